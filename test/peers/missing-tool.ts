/**
 * A test needs a program that this machine does not have. The runner recognises the message: it names the tool and the cure at
 * the end, and counts the test as failed on CI and as skipped elsewhere.
 */
export class MissingTool extends Error {
  constructor(tool: string, cure: string) {
    super(`missing tool: ${tool}: ${cure}`);
    this.name = 'MissingTool';
  }
}
