"""Small sites of the frameworks that build with Vite, at pinned versions: two pages each, and a button that works."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

PAGE_HEAD = '<html lang="en"><head><meta charset="utf-8" /><title>Harbour</title></head>'
COUNTER = "let count = 0; document.querySelector('button').onclick = (event) => (event.target.textContent = ++count)"


@dataclass(frozen=True)
class Site:
    """The files of a site by path. `dist` is the folder that its build fills, where that is not dist.

    `missing_status` is the status of a path that no page has. `about_path` is empty for a site of one page.
    """

    files: dict[str, str]
    dist: str = "dist"
    missing_status: int = 404
    about_path: str = "/about"


def manifest(name: str, build: str, **dependencies: str) -> str:
    """Return a package.json with exact versions."""
    names = {key.replace("__", "/").replace("_", "-"): version for key, version in dependencies.items()}
    scoped = {f"@{key}" if "/" in key else key: version for key, version in names.items()}
    # Some frameworks take any newer Vite, also one that they do not work with.
    content: dict[str, Any] = {} if "vite" in scoped or "vitepress" in scoped else {"overrides": {"vite": "8.3.8"}}
    content |= {"name": name, "private": True, "type": "module", "scripts": {"build": build}, "dependencies": scoped}
    return json.dumps(content, indent=2) + "\n"


ASTRO_PAGE = f"""---
---
<!doctype html>
{PAGE_HEAD}
<body><main><h1>TITLE</h1><a href="/about">About</a><button>0</button></main>
<script>{COUNTER}</script>
<style>h1 {{ color: navy; }}</style>
</body></html>
"""

ASTRO = Site({
    "package.json": manifest("harbour-astro", "astro build", astro="7.3.5"),
    "astro.config.mjs": "export default { telemetry: false }\n",
    "src/pages/index.astro": ASTRO_PAGE.replace("TITLE", "Home"),
    "src/pages/about.astro": ASTRO_PAGE.replace("TITLE", "About"),
})  # fmt: skip

SVELTE_PAGE = """<script>let count = $state(0)</script>
<main><h1>TITLE</h1><a href="/about">About</a><button onclick={() => count++}>{count}</button></main>
"""
SVELTEKIT = Site({
    "package.json": manifest(
        "harbour-sveltekit", "vite build", sveltejs__kit="2.70.4", sveltejs__adapter_static="3.0.11",
        sveltejs__vite_plugin_svelte="6.2.3", svelte="5.57.3", vite="7.3.8",
    ),
    "svelte.config.js": "import adapter from '@sveltejs/adapter-static'\n"
    "export default { kit: { adapter: adapter() } }\n",
    "vite.config.js": "import { sveltekit } from '@sveltejs/kit/vite'\nexport default { plugins: [sveltekit()] }\n",
    "src/app.html": '<!doctype html><html lang="en"><head><meta charset="utf-8">%sveltekit.head%</head>'
    '<body data-sveltekit-preload-data="hover"><div>%sveltekit.body%</div></body></html>\n',
    "src/routes/+layout.js": "export const prerender = true\n",
    "src/routes/+page.svelte": SVELTE_PAGE.replace("TITLE", "Home"),
    "src/routes/about/+page.svelte": SVELTE_PAGE.replace("TITLE", "About"),
    "static/favicon.svg": '<svg xmlns="http://www.w3.org/2000/svg" />',
}, dist="build")  # fmt: skip

VUE_PAGE = """<script setup>
import { ref } from 'vue'
const count = ref(0)
</script>
<template>
  <main><h1>TITLE</h1><NuxtLink to="/about">About</NuxtLink><button @click="count++">{{ count }}</button></main>
</template>
"""
NUXT = Site({
    "package.json": manifest("harbour-nuxt", "nuxt generate", nuxt="4.5.2", vue="3.5.45", vue_router="5.5.1"),
    "nuxt.config.ts": "export default defineNuxtConfig({ telemetry: false, compatibilityDate: '2026-01-01' })\n",
    "app/app.vue": "<template><NuxtPage /></template>\n",
    "app/pages/index.vue": VUE_PAGE.replace("TITLE", "Home"),
    "app/pages/about.vue": VUE_PAGE.replace("TITLE", "About"),
}, missing_status=200)  # fmt: skip

VITEPRESS_PAGE = """# TITLE

[About](/about)

<script setup>
import { ref } from 'vue'
const count = ref(0)
</script>
<button @click="count++">{{ count }}</button>
"""
VITEPRESS = Site({
    "package.json": manifest("harbour-vitepress", "vitepress build", vitepress="1.6.4", vue="3.5.45"),
    ".vitepress/config.mjs": "export default { title: 'Harbour', cleanUrls: true }\n",
    "index.md": VITEPRESS_PAGE.replace("TITLE", "Home"),
    "about.md": VITEPRESS_PAGE.replace("TITLE", "About"),
}, dist=".vitepress/dist")  # fmt: skip

ROUTER_PAGE = """import { useState } from 'react'
import { Link } from 'react-router'
export default function Page() {
  const [count, setCount] = useState(0)
  const more = <button onClick={() => setCount(count + 1)}>{count}</button>
  return <main><h1>TITLE</h1><Link to="/about">About</Link>{more}</main>
}
"""
ROUTER_FILES = {
    "package.json": manifest(
        "harbour-router", "react-router build", react_router="7.18.4", react_router__dev="7.18.4",
        react_router__node="7.18.4", isbot="5.2.3", react="19.3.1", react_dom="19.3.1", vite="7.3.8",
    ),
    "vite.config.js": "import { reactRouter } from '@react-router/dev/vite'\n"
    "export default { plugins: [reactRouter()] }\n",
    "app/root.jsx": """import { Links, Meta, Outlet, Scripts } from 'react-router'
export function Layout({ children }) {
  return (
    <html lang="en">
      <head><meta charSet="utf-8" /><title>Harbour</title><Meta /><Links /></head>
      <body>{children}<Scripts /></body>
    </html>
  )
}
export function HydrateFallback() { return <p>Loading</p> }
export default function App() { return <Outlet /> }
""",
    "app/routes.js": "import { index, route } from '@react-router/dev/routes'\n"
    "export default [index('home.jsx'), route('about', 'about.jsx')]\n",
    "app/home.jsx": ROUTER_PAGE.replace("TITLE", "Home"),
    "app/about.jsx": ROUTER_PAGE.replace("TITLE", "About"),
}  # fmt: skip
ROUTER_SPA = Site(
    ROUTER_FILES | {"react-router.config.js": "export default { ssr: false }\n"},
    dist="build/client", missing_status=200,
)  # fmt: skip
ROUTER_PRERENDERED = Site(
    ROUTER_FILES | {"react-router.config.js": "export default { ssr: false, prerender: ['/', '/about'] }\n"},
    dist="build/client", missing_status=200,
)  # fmt: skip

HTML = PAGE_HEAD + '<body><div id="app"></div><script type="module" src="/src/MAIN"></script></body></html>\n'
PWA = Site({
    "package.json": manifest("harbour-pwa", "vite build", vite="8.3.8", vite_plugin_pwa="1.3.0"),
    "vite.config.js": "import { VitePWA } from 'vite-plugin-pwa'\n"
    "export default { plugins: [VitePWA({ registerType: 'autoUpdate', injectRegister: 'inline', "
    "manifest: { name: 'Harbour', icons: [] } })] }\n",
    "index.html": HTML.replace("MAIN", "main.js"),
    "src/main.js": "document.querySelector('#app').innerHTML = '<main><h1>Home</h1><button>0</button></main>'\n"
    f"{COUNTER}\nimport('./about.js')\n",
    "src/about.js": "export const about = 'About'\n",
}, missing_status=200, about_path="")  # fmt: skip

TANSTACK_PAGE = """import { useState } from 'react'
import { createFileRoute, Link } from '@tanstack/react-router'
export const Route = createFileRoute('PATH')({ component: Page })
function Page() {
  const [count, setCount] = useState(0)
  const more = <button onClick={() => setCount(count + 1)}>{count}</button>
  return <main><h1>TITLE</h1><Link to="/about">About</Link>{more}</main>
}
"""
TANSTACK = Site({
    "package.json": manifest(
        "harbour-tanstack", "vite build", vite="8.3.8", vitejs__plugin_react="6.3.0", react="19.3.1",
        react_dom="19.3.1", tanstack__react_router="1.170.46", tanstack__router_plugin="1.169.0",
    ),
    "vite.config.js": "import { tanstackRouter } from '@tanstack/router-plugin/vite'\n"
    "import react from '@vitejs/plugin-react'\n"
    "export default { plugins: [tanstackRouter({ target: 'react', autoCodeSplitting: true }), react()] }\n",
    "index.html": HTML.replace("MAIN", "main.jsx"),
    "src/main.jsx": """import { createRoot } from 'react-dom/client'
import { createRouter, RouterProvider } from '@tanstack/react-router'
import { routeTree } from './routeTree.gen'
const router = createRouter({ routeTree })
createRoot(document.querySelector('#app')).render(<RouterProvider router={router} />)
""",
    "src/routes/__root.jsx": "import { createRootRoute } from '@tanstack/react-router'\n"
    "export const Route = createRootRoute()\n",
    "src/routes/index.jsx": TANSTACK_PAGE.replace("TITLE", "Home").replace("PATH", "/"),
    "src/routes/about.jsx": TANSTACK_PAGE.replace("TITLE", "About").replace("PATH", "/about"),
}, missing_status=200)  # fmt: skip

SITES = {
    "astro": ASTRO,
    "sveltekit": SVELTEKIT,
    "nuxt": NUXT,
    "vitepress": VITEPRESS,
    "react-router-spa": ROUTER_SPA,
    "react-router-prerendered": ROUTER_PRERENDERED,
    "vite-plugin-pwa": PWA,
    "tanstack-router": TANSTACK,
}
