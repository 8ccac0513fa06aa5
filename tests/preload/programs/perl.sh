# needs: perl=perl
# witness: perl
# Hashes, strings, regular expressions, sort, and a fork in the middle.
. "$CORPUS/lib.sh"
under perl - "$(scaled 150000 1000000)" <<'PERL'
use strict; use warnings;
$| = 1;
my $n = shift; my (%h, @list); my $x = 42;
for my $i (1 .. $n) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    my $k = "key" . ($x % 30011);
    $h{$k} .= chr(97 + $x % 26);
    push @list, [$x, $k] if $i % 7 == 0;
    delete $h{$k} if length $h{$k} > 40;
}
my ($sum, $vowels) = (0, 0);
for (sort keys %h) { $sum = ($sum * 31 + length $h{$_}) % 1000003; $vowels++ while $h{$_} =~ /[aeiou]+/g }
print scalar(keys %h), " $sum $vowels\n";
@list = sort { $a->[1] cmp $b->[1] || $a->[0] <=> $b->[0] } @list;
print scalar(@list), " $list[0][1] $list[-1][1]\n";
for my $child (1 .. 4) {
    my $pid = fork // die "fork: $!";
    if (!$pid) { my @copy = map { [@$_] } @list; print "child ", scalar(@copy), "\n"; exit 0 }
    waitpid $pid, 0;
    print "status $?\n";
}
my $big = join ",", map { $_->[0] } @list; $big =~ s/(\d)(\d)/$2$1/g;
print length $big, "\n";
PERL
