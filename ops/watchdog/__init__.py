"""The watchdog: a program on the engine's machine that restarts containers which hang, and the commands for it."""
