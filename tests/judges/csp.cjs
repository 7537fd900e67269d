// Prints what csp_evaluator, which has no command line, finds in a policy: node csp.cjs "default-src 'self'; …"
const { CspEvaluator } = require('csp_evaluator/dist/evaluator.js')
const { Severity } = require('csp_evaluator/dist/finding.js')
const { CspParser } = require('csp_evaluator/dist/parser.js')

const findings = new CspEvaluator(new CspParser(process.argv[2]).csp).evaluate()
console.log(JSON.stringify(findings.map((finding) => ({ ...finding, severity: Severity[finding.severity] }))))
