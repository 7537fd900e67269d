import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import globals from 'globals'

export default [
  { ignores: ['dist/', 'coverage/'] },
  js.configs.recommended,
  ...vue.configs['flat/recommended'],
  { files: ['src/**'], languageOptions: { globals: globals.browser } },
  { files: ['*.js', 'tests/**'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
  {
    rules: {
      // A line of prose or an SVG shape reads better whole.
      'vue/max-attributes-per-line': ['warn', { singleline: 6 }],
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': ['warn', { html: { void: 'always' } }],
    },
  },
]
