"""Ask the checkout: package.json, git, Vite."""
