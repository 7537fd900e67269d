"""Ask the checkout: package.json, git, Vite. The session of a task, and how it runs commands."""
