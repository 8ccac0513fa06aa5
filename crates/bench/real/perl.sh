#!/bin/sh
# needs: perl=perl
# serves: perl
# about: Perl's hashes, nested records, sorting, regular expressions and strings that grow.
set -eu
export LC_ALL=C PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0
unset PERL5OPT PERL5LIB 2> /dev/null || true
dir=$2
case $1 in
prepare)
    cat > "$dir/work.pl" <<'PERL'
use strict; use warnings;
my $n = shift; my $x = 42;
sub random { $x = ($x * 1103515245 + 12345) % 2147483648; return ($x >> 6) % $_[0] }

my (%h, @list);
for my $i (1 .. $n) {
    my $k = "key" . random(30011);
    $h{$k} .= chr(97 + random(26));
    push @list, { number => random(1 << 20), key => $k, path => [$i, $i % 13] } if $i % 5 == 0;
    delete $h{$k} if length $h{$k} > 40;
}
my ($sum, $vowels) = (0, 0);
for (sort keys %h) { $sum = ($sum * 31 + length $h{$_}) % 1000003; $vowels++ while $h{$_} =~ /[aeiou]+/g }
print "hash ", scalar(keys %h), " $sum $vowels\n";

@list = sort { $a->{key} cmp $b->{key} || $a->{number} <=> $b->{number} || $a->{path}[0] <=> $b->{path}[0] } @list;
print "list ", scalar(@list), " $list[0]{key} $list[-1]{key}\n";

my $text = join "\n", map { "$_->{key}=$_->{number};" . join("/", @{ $_->{path} }) } @list;
my %seen;
for (split /\n/, $text) {
    next unless /^(\w+?)(\d+)=(\d+);(\d+)\/(\d+)$/;
    push @{ $seen{$5}{ $2 % 100 } }, "$1-$3";
    $sum = ($sum + $4) % 1000003;
}
print "parsed $sum ", join(",", map { scalar keys %{ $seen{$_} } } sort { $a <=> $b } keys %seen), "\n";
$text =~ s/(\d)(\d)/$2$1/g;
print "text ", length $text, " ", unpack("%32C*", $text), "\n";
PERL
    ;;
run)
    case $3 in full) n=210000 ;; *) n=60000 ;; esac
    exec perl "$dir/work.pl" "$n"
    ;;
esac
