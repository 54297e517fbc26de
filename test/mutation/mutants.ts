import {
  BinaryExpression,
  FalseExpression,
  FloatLiteralExpression,
  FunctionDeclaration,
  IntegerLiteralExpression,
  Node,
  Parser,
  TrueExpression,
  TypeNode,
  UnaryPrefixExpression,
} from 'assemblyscript';

/** One small fault in a source. */
export interface Mutant {
  readonly file: string;
  /** Empty outside of functions. */
  readonly function: string;
  readonly line: number;
  /** The line, without indentation. */
  readonly was: string;
  readonly becomes: string;
  /** The whole source. */
  readonly source: string;
}

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<='],
  '<=': ['<'],
  '>': ['>='],
  '>=': ['>'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '<<': ['>>'],
  '>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['|'],
  '&&': ['||'],
  '||': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
};

/** All of a source, in its order. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const parser = new Parser();
  parser.parseFile(text, file, true);
  const [source] = parser.sources;
  const mutants: Mutant[] = [];

  function replace(start: number, end: number, others: readonly string[], name: string): void {
    const first = text.lastIndexOf('\n', start - 1) + 1;
    const last = text.indexOf('\n', start);
    for (const other of others) {
      mutants.push({
        file,
        function: name,
        line: source.lineAt(start),
        was: text.slice(first, last).trim(),
        becomes: (text.slice(first, start) + other + text.slice(end, last)).trim(),
        source: text.slice(0, start) + other + text.slice(end),
      });
    }
  }

  function visit(node: unknown, name: string): void {
    if (!(node instanceof Node) || node instanceof TypeNode) return;
    const { start, end } = node.range;
    const own = text.slice(start, end);
    if (node instanceof BinaryExpression) {
      const { left, right } = node;
      const between = text.slice(left.range.end, right.range.start);
      const at = left.range.end + between.search(/\S/);
      const operator = between.trim();
      visit(left, name);
      replace(at, at + operator.length, OPERATORS[operator] ?? [], name);
      visit(right, name);
    } else if (node instanceof UnaryPrefixExpression) {
      replace(start, start + 1, /^[!~-]/.test(own) ? [''] : [], name);
      visit(node.operand, name);
    } else if (node instanceof IntegerLiteralExpression) replace(start, end, near(own), name);
    else if (node instanceof FloatLiteralExpression) replace(start, end, [`${Number(own) + 1}.0`], name);
    else if (node instanceof TrueExpression) replace(start, end, ['false'], name);
    else if (node instanceof FalseExpression) replace(start, end, ['true'], name);
    else {
      const inside = node instanceof FunctionDeclaration ? node.name.text : name;
      for (const value of Object.values(node).flat()) visit(value, inside);
    }
  }

  for (const statement of source.statements) visit(statement, '');
  return mutants;
}

/** Of a mask, written in hexadecimal, without its lowest and its highest bit; of a number, one more. */
function near(literal: string): string[] {
  const value = Number(literal);
  if (!literal.startsWith('0x') || value === 0) return [`${value + 1}`];
  const bits = BigInt(value);
  const lowest = bits & -bits;
  const highest = 1n << BigInt(bits.toString(2).length - 1);
  return [...new Set([bits ^ lowest, bits ^ highest])].map((bits) => `0x${bits.toString(16)}`);
}
