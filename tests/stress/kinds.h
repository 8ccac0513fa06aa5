/* The kinds of stress. Each runs to its end and says whether RSS stayed flat. */
#ifndef KINDS_H
#define KINDS_H
#include <stdbool.h>

bool kind_stress(void);
bool kind_threads(void);
bool kind_fork(void);
bool kind_rawfork(void);
bool kind_remote(void);
bool kind_sleep(void);
bool kind_soak(void);

#endif
