import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Files are kebab-case; a test adds `.test`, a declaration `.d`. */
const kebabCaseFiles = {
  create(context) {
    return {
      Program(node) {
        const name = context.filename.split('/').at(-1) ?? '';
        if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|d|config))?\.(ts|js|cjs)$/.test(name)) {
          context.report({ node, message: `file name ${name} is not kebab-case` });
        }
      },
    };
  },
};

const NODE_TEST = ['test', 'describe', 'it', 'suite', 'before', 'after', 'beforeEach', 'afterEach'];

export default tseslint.config(
  { ignores: ['**/*.mjs', 'build/', 'node_modules/', 'coverage/', 'src/gen/', '*.js', '.*.cjs'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { wharfd: { rules: { 'kebab-case-files': kebabCaseFiles } } },
    rules: {
      'wharfd/kebab-case-files': 'error',
      'max-lines': ['error', 400],
      complexity: ['error', 12],
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
        { selector: 'ExportAllDeclaration', message: 'Export what is meant, by name.' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: NODE_TEST }] },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': ['error', 600],
      '@typescript-eslint/require-await': 'off',
    },
  },
);
