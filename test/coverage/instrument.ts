import {
  BinaryExpression,
  BlockStatement,
  BreakStatement,
  ContinueStatement,
  DoStatement,
  type Expression,
  ExpressionStatement,
  ForOfStatement,
  ForStatement,
  FunctionDeclaration,
  IfStatement,
  Node,
  type Parser,
  ReturnStatement,
  type Source,
  Statement,
  SwitchCase,
  TernaryExpression,
  ThrowStatement,
  TypeNode,
  WhileStatement,
} from 'assemblyscript';
import { compileCore, TARGETS, type Target } from '../compile-core.js';
import { type Block, COUNTERS, MOST_BLOCKS } from './counters.js';

/** What compilations with counters tell. */
export interface Counted {
  readonly blocks: readonly Block[];
  /** By file, the block that tells of each line with a statement. Files without code are there too. */
  readonly lines: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

export interface InstrumentedCores extends Counted {
  readonly wasm: Readonly<Record<Target, Uint8Array<ArrayBuffer>>>;
}

const COUNT = '__count';
/** After 255 comes 1, so that what ran is never 0. */
const countText = (then: string) => `
@external("host", "step") declare function step(id: u32): void;
@global function ${COUNT}(id: u32): void {
  const count = <u32>load<u8>(${COUNTERS} + id) + 1;
  store<u8>(${COUNTERS} + id, count + (count >> 8));
  ${then}
}`;

/**
 * A transform of the compiler's that puts a counter into each block of the sources in a folder. In each compilation that it is used
 * for a block has the same id.
 */
export class CountingTransform implements Counted {
  readonly lines = new Map<string, ReadonlyMap<number, number>>();
  private readonly folder: string;
  private readonly table = new Table();
  private readonly steps: boolean;

  /** `steps`: `host.step` is called with the id of each block that begins. */
  constructor(folder: string, steps = false) {
    this.folder = folder;
    this.steps = steps;
  }

  get blocks(): readonly Block[] {
    return this.table.blocks;
  }

  afterParse(parser: Parser): void {
    for (const source of parser.sources) {
      const file = source.normalizedPath;
      if (file.startsWith(this.folder)) this.lines.set(file, new CountedSource(source, this.table).lines);
    }
    if (this.blocks.length > MOST_BLOCKS) {
      throw new RangeError(`${this.blocks.length} blocks, and room for the counters of ${MOST_BLOCKS}`);
    }
    parser.parseFile(countText(this.steps ? 'step(id);' : ''), 'count.ts', false);
  }
}

/** Compiles the targets of asconfig.json, from the same sources, with a counter in each block: one table for all. */
export async function instrumentedCores(): Promise<InstrumentedCores> {
  const transform = new CountingTransform('assembly/');
  const wasm: Partial<Record<Target, Uint8Array<ArrayBuffer>>> = {};
  for (const target of TARGETS)
    wasm[target] = await compileCore({ target, transforms: [transform as never] });
  return { wasm: wasm as InstrumentedCores['wasm'], blocks: transform.blocks, lines: transform.lines };
}

/** Blocks by their ids. */
class Table {
  readonly blocks: Block[] = [];
  private readonly ids = new Map<string, number>();

  idOf(block: Block): number {
    const { file, line, column, kind } = block;
    const key = `${file}:${line}:${column} ${kind}`;
    const id = this.ids.get(key) ?? this.blocks.length;
    this.ids.set(key, id);
    this.blocks[id] = block;
    return id;
  }
}

/** Puts counters into one source. */
class CountedSource {
  readonly lines = new Map<number, number>();
  private readonly source: Source;
  private readonly table: Table;
  private name = '';
  /** Id of the block that the code at hand is in; none outside of functions. */
  private current: number | undefined;

  constructor(source: Source, table: Table) {
    this.source = source;
    this.table = table;
    this.children(source);
  }

  /** All that is below a node, whatever its kind: nothing is left out because it is not known here. */
  private children(node: Node, but?: Node): void {
    for (const value of Object.values(node).flat()) if (value !== but) this.visit(value);
  }

  private visit(node: unknown): void {
    if (!(node instanceof Node) || node instanceof TypeNode) return;
    if (node instanceof Statement && !(node instanceof BlockStatement)) this.line(node);
    if (node instanceof FunctionDeclaration) this.function(node);
    else if (node instanceof IfStatement) this.if(node);
    else if (isLoop(node)) this.loop(node);
    else if (node instanceof SwitchCase) this.case(node);
    else if (node instanceof TernaryExpression) this.ternary(node);
    else if (node instanceof BinaryExpression) this.binary(node);
    else this.children(node);
  }

  private line({ range }: Node): void {
    const line = this.source.lineAt(range.start);
    if (this.current !== undefined && !this.lines.has(line)) this.lines.set(line, this.current);
  }

  private function(node: FunctionDeclaration): void {
    const { body } = node;
    const outer = [this.name, this.current] as const;
    this.name = node.name.text || this.name;
    // An arrow function without braces.
    if (body instanceof ExpressionStatement) body.expression = this.operand('function', body.expression);
    else if (body) [, node.body] = this.arm('function', body, node);
    [this.name, this.current] = outer;
  }

  /** What follows an arm that ends is in the other arm's block. */
  private if(node: IfStatement): void {
    this.visit(node.condition);
    const before = this.current;
    const { ifTrue, ifFalse } = node;
    const [then, trueArm] = this.arm('if', ifTrue);
    const [otherwise, falseArm] = ifFalse
      ? this.arm('else', ifFalse)
      : this.block('else', [], node.condition);
    node.ifTrue = trueArm;
    node.ifFalse = falseArm;
    if (ends(ifTrue)) this.current = otherwise;
    else if (ifFalse && ends(ifFalse)) this.current = then;
    else this.current = before;
  }

  private loop(node: Loop): void {
    const before = this.current;
    this.children(node, node.body);
    [, node.body] = this.arm('loop', node.body);
    this.current = before;
  }

  private case(node: SwitchCase): void {
    this.visit(node.label);
    const before = this.current;
    // The compiler's range of a default is its colon.
    const counter = this.counter('case', node.label ?? node.statements[0] ?? node);
    for (const statement of node.statements) this.visit(statement);
    node.statements.unshift(Node.createExpressionStatement(counter));
    this.current = before;
  }

  private ternary(node: TernaryExpression): void {
    if (this.current === undefined) return;
    this.visit(node.condition);
    node.ifThen = this.operand('?', node.ifThen);
    node.ifElse = this.operand(':', node.ifElse);
  }

  private binary(node: BinaryExpression): void {
    const between = this.source.text.slice(node.left.range.end, node.right.range.start);
    const operator = /&&|\|\|/.exec(between)?.[0];
    this.visit(node.left);
    if (operator && this.current !== undefined) node.right = this.operand(operator, node.right);
    else this.visit(node.right);
  }

  /** What is not always evaluated. */
  private operand(kind: string, node: Expression): Expression {
    const before = this.current;
    const counter = this.counter(kind, node);
    this.visit(node);
    this.current = before;
    const both = Node.createCommaExpression([counter, node], node.range);
    return Node.createParenthesizedExpression(both, node.range);
  }

  /** The id of a block that begins, and its statements with the counter. */
  private arm(kind: string, node: Statement, named: Node = node): [number, Statement] {
    return this.block(kind, node instanceof BlockStatement ? node.statements : [node], named);
  }

  private block(kind: string, statements: Statement[], named: Node): [number, Statement] {
    const counter = Node.createExpressionStatement(this.counter(kind, named));
    const id = this.current as number;
    for (const statement of statements) this.visit(statement);
    return [id, Node.createBlockStatement([counter, ...statements], named.range)];
  }

  /** Begins a block; returns the call that counts it. */
  private counter(kind: string, named: Node): Expression {
    const { source, name } = this;
    const { range } = named;
    const line = source.lineAt(range.start);
    const column = source.columnAt();
    const text = source.text
      .slice(range.start, range.end)
      .replace(/^\{\s*/, '')
      .split('\n')[0];
    const id = this.table.idOf({ file: source.normalizedPath, function: name, kind, line, column, text });
    this.current = id;
    this.line(named);
    const callee = Node.createIdentifierExpression(COUNT, range);
    const argument = Node.createIntegerLiteralExpression(i64_new(id, 0), range);
    return Node.createCallExpression(callee, null, [argument], range);
  }
}

type Loop = ForStatement | ForOfStatement | WhileStatement | DoStatement;

function isLoop(node: Node): node is Loop {
  return [ForStatement, ForOfStatement, WhileStatement, DoStatement].some((loop) => node instanceof loop);
}

/** Nothing is reached from its end. */
function ends(node: Statement): boolean {
  const last = node instanceof BlockStatement ? node.statements.at(-1) : node;
  return [ReturnStatement, ThrowStatement, BreakStatement, ContinueStatement].some(
    (end) => last instanceof end,
  );
}
