"""Experiments, their verdicts, and the process they run in; never Textual."""
