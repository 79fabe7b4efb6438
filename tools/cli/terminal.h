/* What standard error is, and what may be done to it. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

/* 1 if standard error is a terminal. */
int cli_on_terminal(void);

/* 1 if it is one that obeys control sequences. */
int cli_on_smart_terminal(void);

/* Likewise, and nobody has asked by NO_COLOR for messages without colours. */
int cli_in_colour(void);

/* 0 if it is a terminal that another job has in the foreground. */
int cli_in_foreground(void);

/* Its columns, 1 or more. */
int cli_terminal_width(void);

#endif
