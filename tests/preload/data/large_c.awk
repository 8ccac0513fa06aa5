# A large C file: n functions f0 … , each with a switch in a loop, each but the first calling the one before.
BEGIN {
    print "struct s { int a[8]; double d; struct s *next; };"
    for (i = 0; i < n; i++) {
        printf "static int f%d(struct s *p, int k) { int r = k; for (int i = 0; i < 8; i++) { switch ((p->a[i] + k) %% 7) {", i
        for (c = 0; c < 7; c++) printf " case %d: r += p->a[(i + %d) & 7] * %d; break;", c, (c * i) % 8, c + i
        printf " } } if (p->next) r ^= (int)p->next->d; %s return r; }\n", i ? "if (k & 1) r += f" i - 1 "(p, k - 1);" : ""
    }
}
