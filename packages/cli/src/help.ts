/** What --help says after the options. */

export const PROGRAM_EXAMPLES = `
Examples:
  millrace gzip big.log              big.log becomes big.log.gz
  millrace gzip --help               all that gzip can do
  millrace simulate trace.json --config a.json --config b.json
`;

export const GZIP_EXAMPLES = `
Examples:
  millrace gzip big.log              big.log becomes big.log.gz
  millrace gzip -k9 *.csv            as small as can be; the files stay
  millrace gzip -d big.log.gz        and back
  millrace gzip -o out.gz in.bin     choose the name; in.bin stays
  tar c src | millrace gzip > src.tgz
  millrace gzip --json *.log | jq .MBps
`;

export const SIMULATE_EXAMPLES = `
Examples:
  millrace simulate trace.json                                     as it is with all defaults
  millrace simulate trace.json --config a.json --config b.json     what b has more than a
  millrace simulate trace.json --config a.json --memory 67108864   with 64 MiB

Exit codes:
  0 all went well, 1 something is wrong with the trace or a configuration
`;

export const EXIT_CODES = `Exit codes:
  0 all went well, 1 something failed, 2 something was skipped or had a warning,
  130 interrupted (SIGINT), 143 terminated (SIGTERM)
`;
