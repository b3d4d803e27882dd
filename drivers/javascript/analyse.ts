import {
  type AnonymousFunctionDeclaration,
  type AnyNode,
  type ArrowFunctionExpression,
  type FunctionDeclaration,
  type FunctionExpression,
  type Identifier,
  type Node,
  type Pattern,
  type Program,
  parse,
} from 'acorn';

type FunctionNode = AnonymousFunctionDeclaration | ArrowFunctionExpression | FunctionDeclaration | FunctionExpression;

/**
 * What a script may leave behind when one of its hooks has run, found by reading it. The runtime can put back globals, top-level `let`s and
 * all objects that are reachable from them; what it cannot see is the inside of closures that were made while the script was loaded, and what
 * runs after a hook has returned. Where such a thing may matter, each run gets a context of its own.
 */
export interface Analysis {
  /** Globals that functions of the script write to. */
  readonly written: ReadonlySet<string>;
  /** Names of top-level `let`, `const` and `class`. */
  readonly lexical: readonly { readonly name: string; readonly writable: boolean }[];
  /** Names that the script takes from its surroundings. */
  readonly free: ReadonlySet<string>;
  /** Why a context cannot be used again; undefined: it can. */
  readonly unkeepable: string | undefined;
}

/** @throws {SyntaxError} when the script is none. */
export function analyse(code: string): Analysis {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'script', allowHashBang: true });
  return new Analyser(program).result();
}

/** Functions that call what they are given, and do nothing else that matters. */
const callers = new Set(
  'map forEach filter reduce reduceRight some every find findIndex sort replace replaceAll flatMap each times extend keys values pairs contains pick omit defaults assign freeze create'.split(
    ' ',
  ),
);

/** Methods that never call functions of the script. */
const quiet = new Set(
  'NewProcessRequest NewProcessResponse NewHandler NewMiddleware NewEventHandler NewMiddleWare log info warn error debug push concat join split slice splice indexOf toString trim toLowerCase toUpperCase test exec match parse stringify now getTime floor random call_ charCodeAt fromCharCode substr substring hasOwnProperty isArray abs min max pow round'.split(
    ' ',
  ),
);

const builtinCalls = new Set(
  'log rawlog b64enc b64dec rawb64enc rawb64dec String Number Boolean Array Object Date RegExp Error TypeError RangeError parseInt parseFloat isNaN encodeURIComponent decodeURIComponent escape unescape encodeURI decodeURI Set Map Symbol'.split(
    ' ',
  ),
);

/** What makes code run after the hook has returned, hides state, or changes what cannot be looked at. */
const unsafe = new Set(
  'eval Function Promise Proxy Reflect WeakMap WeakSet WeakRef FinalizationRegistry globalThis queueMicrotask Intl Atomics'.split(
    ' ',
  ),
);

interface Scope {
  readonly names: Map<string, Variable>;
  readonly parent: Scope | undefined;
  /** The function that the scope belongs to; undefined for the program. */
  readonly owner: FunctionNode | undefined;
}

interface Variable {
  readonly owner: FunctionNode | undefined;
  /** Captured by a function inside of its owner. */
  captured: boolean;
  /** Written to by such a function. */
  written: boolean;
  /** Holds, or may hold, something that can change inside. */
  mutable: boolean;
  /** Functions that it may hold. */
  readonly functions: FunctionNode[];
}

class Analyser {
  private readonly written = new Set<string>();
  private readonly free = new Set<string>();
  private readonly lexical: { name: string; writable: boolean }[] = [];
  private readonly variables: Variable[] = [];
  private readonly top: Scope = { names: new Map(), parent: undefined, owner: undefined };
  private unkeepable: string | undefined;
  private readonly program: Program;
  private readonly scopes = new Map<Node, Scope>();

  constructor(program: Program) {
    this.program = program;
  }

  result(): Analysis {
    for (const statement of this.program.body) {
      if (statement.type === 'VariableDeclaration' && statement.kind !== 'var') {
        for (const { id } of statement.declarations) {
          for (const name of namesOf(id)) this.lexical.push({ name, writable: statement.kind === 'let' });
        }
      }
      if (statement.type === 'ClassDeclaration') this.lexical.push({ name: statement.id.name, writable: true });
    }
    this.declareVars(this.program, this.top);
    this.declareBlock(this.program.body, this.top);
    for (const statement of this.program.body) this.walk(statement, this.top);
    if (this.unkeepable === undefined) this.checkLoadTime();
    const { written, lexical, free, unkeepable } = this;
    return { written, lexical, free, unkeepable };
  }

  private refuse(why: string): void {
    this.unkeepable ??= why;
  }

  private addName(name: string, scope: Scope, init?: AnyNode | null): Variable {
    let variable = scope.names.get(name);
    if (variable === undefined) {
      variable = { owner: scope.owner, captured: false, written: false, mutable: false, functions: [] };
      scope.names.set(name, variable);
      this.variables.push(variable);
    }
    if (init !== undefined && init !== null) {
      if (isFunction(init)) variable.functions.push(init);
      else if (!isPrimitive(init)) variable.mutable = true;
    }
    return variable;
  }

  /** `var` and function declarations belong to the function, however deep they stand. */
  private declareVars(node: AnyNode, scope: Scope): void {
    eachChild(node, (child) => {
      if (child.type === 'VariableDeclaration' && child.kind === 'var') {
        for (const { id, init } of child.declarations) {
          for (const name of namesOf(id)) this.addName(name, scope, id.type === 'Identifier' ? init : child);
        }
      }
      if (child.type === 'FunctionDeclaration') {
        if (child.id !== null) this.addName(child.id.name, scope, child);
      } else if (!isFunction(child)) this.declareVars(child, scope);
    });
  }

  private declareBlock(body: readonly AnyNode[], scope: Scope): void {
    for (const statement of body) {
      if (statement.type === 'VariableDeclaration' && statement.kind !== 'var') {
        for (const { id, init } of statement.declarations) {
          for (const name of namesOf(id)) this.addName(name, scope, id.type === 'Identifier' ? init : statement);
        }
      } else if (statement.type === 'ClassDeclaration' && statement.id !== null)
        this.addName(statement.id.name, scope, statement);
    }
  }

  private walk(node: AnyNode, scope: Scope): void {
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return this.walkFunction(node, scope);
      case 'BlockStatement': {
        const inner: Scope = { names: new Map(), parent: scope, owner: scope.owner };
        this.declareBlock(node.body, inner);
        for (const statement of node.body) this.walk(statement, inner);
        return;
      }
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement': {
        const inner: Scope = { names: new Map(), parent: scope, owner: scope.owner };
        const head = node.type === 'ForStatement' ? node.init : node.left;
        if (head?.type === 'VariableDeclaration') this.declareBlock([head], inner);
        else if (head && node.type !== 'ForStatement') this.write(head as Pattern, inner);
        if (node.type !== 'ForStatement' && node.type === 'ForOfStatement' && node.await)
          this.refuse('it is asynchronous');
        if (head?.type === 'VariableDeclaration' && head.kind === 'var' && node.type !== 'ForStatement') {
          for (const { id } of head.declarations) this.write(id, inner);
        }
        eachChild(node, (child) => this.walk(child, inner));
        return;
      }
      case 'SwitchStatement': {
        const inner: Scope = { names: new Map(), parent: scope, owner: scope.owner };
        for (const one of node.cases) this.declareBlock(one.consequent, inner);
        eachChild(node, (child) => this.walk(child, inner));
        return;
      }
      case 'CatchClause': {
        const inner: Scope = { names: new Map(), parent: scope, owner: scope.owner };
        if (node.param) for (const name of namesOf(node.param)) this.addName(name, inner, node);
        this.walk(node.body, inner);
        return;
      }
      case 'VariableDeclaration':
        for (const { id, init } of node.declarations) {
          this.walkPattern(id, scope);
          if (init) {
            this.walk(init, scope);
            this.write(id, scope);
          }
        }
        return;
      case 'AssignmentExpression':
        this.write(node.left, scope);
        this.walkPattern(node.left, scope);
        this.assigned(node.left, node.right, scope);
        this.walk(node.right, scope);
        return;
      case 'UpdateExpression':
        this.write(node.argument as Pattern, scope);
        this.walk(node.argument, scope);
        return;
      case 'UnaryExpression':
        if (node.operator === 'delete') this.write(node.argument as Pattern, scope);
        this.walk(node.argument, scope);
        return;
      case 'Identifier':
        this.read(node.name, scope);
        return;
      case 'MemberExpression':
        this.walk(node.object as AnyNode, scope);
        if (node.computed) this.walk(node.property as AnyNode, scope);
        if (!node.computed && node.property.type === 'Identifier' && /^__(define|proto)/.test(node.property.name)) {
          this.refuse(`it uses "${node.property.name}"`);
        }
        return;
      case 'Property':
        if (node.computed) this.walk(node.key, scope);
        this.walk(node.value, scope);
        return;
      case 'MethodDefinition':
      case 'PropertyDefinition':
        if (node.computed) this.walk(node.key as AnyNode, scope);
        if (node.value) this.walk(node.value, scope);
        return;
      case 'LabeledStatement':
        this.walk(node.body, scope);
        return;
      case 'BreakStatement':
      case 'ContinueStatement':
        return;
      case 'WithStatement':
        this.refuse('it has a "with" statement');
        break;
      case 'ImportExpression':
      case 'AwaitExpression':
        this.refuse('it is asynchronous');
        break;
    }
    eachChild(node, (child) => this.walk(child, scope));
  }

  private walkFunction(node: FunctionNode, scope: Scope): void {
    if (node.async) this.refuse('it has an async function');
    const inner: Scope = { names: new Map(), parent: scope, owner: node };
    this.scopes.set(node, inner);
    if (node.type === 'FunctionExpression' && node.id) this.addName(node.id.name, inner, node);
    for (const param of node.params) for (const name of namesOf(param)) this.addName(name, inner).mutable = true;
    if (node.type !== 'ArrowFunctionExpression') this.addName('arguments', inner);
    if (node.body.type === 'BlockStatement') {
      this.declareVars(node.body, inner);
      this.declareBlock(node.body.body, inner);
    }
    for (const param of node.params) this.walkPattern(param, inner);
    if (node.body.type === 'BlockStatement') for (const statement of node.body.body) this.walk(statement, inner);
    else this.walk(node.body, inner);
  }

  /** Default values and computed keys of a pattern. */
  private walkPattern(pattern: Pattern, scope: Scope): void {
    switch (pattern.type) {
      case 'MemberExpression':
        this.walk(pattern, scope);
        break;
      case 'AssignmentPattern':
        this.walkPattern(pattern.left, scope);
        this.walk(pattern.right, scope);
        break;
      case 'RestElement':
        this.walkPattern(pattern.argument, scope);
        break;
      case 'ArrayPattern':
        for (const element of pattern.elements) if (element) this.walkPattern(element, scope);
        break;
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          if (property.type === 'RestElement') this.walkPattern(property.argument, scope);
          else {
            if (property.computed) this.walk(property.key, scope);
            this.walkPattern(property.value as Pattern, scope);
          }
        }
    }
  }

  private lookUp(name: string, scope: Scope): Variable | undefined {
    for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
      const found = at.names.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private read(name: string, scope: Scope): void {
    const variable = this.lookUp(name, scope);
    if (variable === undefined) {
      this.free.add(name);
      if (unsafe.has(name)) this.refuse(`it uses "${name}"`);
    } else if (variable.owner !== scope.owner) variable.captured = true;
  }

  /** Something is written to: a name, or a member of something. */
  private write(target: Pattern | AnyNode, scope: Scope): void {
    switch (target.type) {
      case 'Identifier': {
        const variable = this.lookUp(target.name, scope);
        if (variable === undefined) this.written.add(target.name);
        else if (variable.owner !== scope.owner) {
          variable.captured = true;
          variable.written = true;
        }
        return;
      }
      case 'MemberExpression': {
        if (scope.owner === undefined) return;
        if (mentionsPrototype(target)) this.refuse('a function changes a prototype');
        if (target.object.type === 'ThisExpression') {
          if (target.computed) this.refuse('a function writes to "this[...]"');
          else if (target.property.type === 'Identifier') this.written.add(target.property.name);
        }
        return;
      }
      case 'AssignmentPattern':
        return this.write(target.left, scope);
      case 'RestElement':
        return this.write(target.argument, scope);
      case 'ArrayPattern':
        for (const element of target.elements) if (element) this.write(element, scope);
        return;
      case 'ObjectPattern':
        for (const property of target.properties) {
          this.write(property.type === 'RestElement' ? property.argument : (property.value as Pattern), scope);
        }
    }
  }

  private assigned(target: Pattern, value: AnyNode, scope: Scope): void {
    if (target.type !== 'Identifier') return;
    const variable = this.lookUp(target.name, scope);
    if (variable === undefined) return;
    if (isFunction(value)) variable.functions.push(value);
    else if (!isPrimitive(value)) variable.mutable = true;
  }

  /** Functions that run while the script is loaded leave closures that no hook may change. */
  private checkLoadTime(): void {
    const running = new Set<FunctionNode>();
    const unknown = this.callsOf(this.program, this.top, running);
    for (const one of running) {
      // Iterating over a set visits what is added meanwhile.
      const scope = this.scopes.get(one);
      if (scope !== undefined && this.callsOf(one.body, scope, running)) {
        this.refuse('it calls functions while it is loaded that cannot be told');
      }
    }
    for (const { owner, captured, written, mutable } of this.variables) {
      if (owner === undefined || !captured || !(unknown || running.has(owner))) continue;
      if (written || mutable) return this.refuse('functions share state that was made while it was loaded');
    }
  }

  /** Note the functions that this code calls itself. True: some cannot be told. */
  private callsOf(node: AnyNode, scope: Scope, running: Set<FunctionNode>): boolean {
    let unknown = false;
    const visit = (child: AnyNode): void => {
      if (isFunction(child)) return;
      if (child.type === 'CallExpression' || child.type === 'NewExpression') {
        unknown = this.noteCall(child, scope, running) || unknown;
      }
      if (child.type === 'TaggedTemplateExpression') unknown = true;
      eachChild(child, visit);
    };
    visit(node);
    return unknown;
  }

  private noteCall(
    call: AnyNode & { readonly callee: AnyNode; readonly arguments: readonly AnyNode[] },
    scope: Scope,
    running: Set<FunctionNode>,
  ): boolean {
    const { callee } = call;
    if (isFunction(callee)) {
      running.add(callee);
      return false;
    }
    if (callee.type === 'Identifier') {
      const variable = this.lookUp(callee.name, scope);
      if (variable === undefined) return !builtinCalls.has(callee.name);
      for (const one of variable.functions) running.add(one);
      return variable.mutable;
    }
    if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') return true;
    const { name } = callee.property;
    const object = callee.object as AnyNode;
    if (quiet.has(name)) return false;
    if ((name === 'call' || name === 'apply') && isFunction(object)) {
      running.add(object);
      return false;
    }
    if (!callers.has(name)) return true;
    for (const argument of call.arguments) if (isFunction(argument)) running.add(argument);
    return call.arguments.some(
      (argument) => argument.type === 'Identifier' && this.lookUp(argument.name, scope)?.functions.length,
    );
  }
}

function mentionsPrototype(node: AnyNode): boolean {
  if (node.type !== 'MemberExpression') return false;
  const { property, object } = node;
  const name =
    property.type === 'Identifier' && !node.computed
      ? property.name
      : property.type === 'Literal'
        ? property.value
        : '';
  return name === 'prototype' || name === '__proto__' || name === 'constructor' || mentionsPrototype(object as AnyNode);
}

function isFunction(node: AnyNode): node is FunctionNode {
  return (
    node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression' || node.type === 'FunctionDeclaration'
  );
}

/** Values that cannot change inside. */
function isPrimitive(node: AnyNode): boolean {
  if (node.type === 'Literal') return !('regex' in node && node.regex);
  if (node.type === 'TemplateLiteral') return true;
  return node.type === 'UnaryExpression' && node.operator !== 'delete';
}

function namesOf(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [(pattern as Identifier).name];
    case 'AssignmentPattern':
      return namesOf(pattern.left);
    case 'RestElement':
      return namesOf(pattern.argument);
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element ? namesOf(element) : []));
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        namesOf(property.type === 'RestElement' ? property.argument : (property.value as Pattern)),
      );
    default:
      return [];
  }
}

function eachChild(node: AnyNode, visit: (child: AnyNode) => void): void {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) visit(item);
    } else if (isNode(value)) visit(value);
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}
