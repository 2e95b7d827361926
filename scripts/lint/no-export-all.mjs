// A lint rule that oxlint does not have: `export * from` hides what a module makes public.

const rule = {
  meta: { type: 'suggestion', docs: { description: 'Forbid `export *`' } },
  /** @param {{ report(found: { node: object, message: string }): void }} context */
  create(context) {
    return {
      /** @param {object} node */
      ExportAllDeclaration(node) {
        context.report({ node, message: 'Name what is exported: `export *` hides it' });
      },
    };
  },
};

export default { meta: { name: 'millrace' }, rules: { 'no-export-all': rule } };
