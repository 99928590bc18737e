/* The terminal in raw mode while a guest's console is on it. */
#ifndef STITCH86_TERMINAL_H
#define STITCH86_TERMINAL_H

/* Raw mode on standard input, if it is a terminal.  It is restored at exit, by
 * terminal_restore(), around a stop (SIGTSTP, SIGCONT), and before a fatal signal kills. */
void terminal_raw(void);
/* Async-signal-safe; may be called at any time, more than once. */
void terminal_restore(void);

#endif
