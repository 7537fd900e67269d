// What this page is configured with when it runs, for every visitor to read: names and text, never a secret. This is the
// default; a production container that was started with values (invoke run-prod --env NAME=VALUE) serves its own env.js.
globalThis.env = Object.freeze({})
