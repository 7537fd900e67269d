"""The face of the tasks, and the only room that knows Invoke: it parses, calls and reports."""
