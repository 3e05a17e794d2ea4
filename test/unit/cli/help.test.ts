import { Command } from 'commander';
import { expect, test } from 'vitest';
import { hideEmptyDefaults } from '../../../src/cli/help.ts';

test('a default that is nothing is not shown, any other is, and choices stay', () => {
  const command = new Command('weir')
    .option('--names <name...>', 'names', [])
    .option('--text <text>', 'a text', '')
    .option('--take-over', 'a switch', false)
    .option('--count <n>', 'a count', '0')
    .option('--files <file...>', 'files', ['a.txt']);
  hideEmptyDefaults(command);
  const help = command.helpInformation();
  expect(help).not.toMatch(/default: (\[\]|""|false)/);
  expect(help).toContain('a count (default: "0")');
  expect(help).toContain('files (default: ["a.txt"])');
  expect(command.parse([], { from: 'user' }).opts()).toMatchObject({ names: [], text: '', takeOver: false });
});
