/** What --help says after the options. */

export const PROGRAM_EXAMPLES = `
Examples:
  millrace gzip big.log              big.log becomes big.log.gz
  millrace gzip --help               all that gzip can do
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

export const EXIT_CODES = `Exit codes:
  0 all went well, 1 something failed, 2 something was skipped or had a warning,
  130 interrupted (SIGINT), 143 terminated (SIGTERM)
`;
