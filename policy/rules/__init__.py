"""The rules, one concern a file. They import nothing of components/: a shared mistake would otherwise pass both."""
