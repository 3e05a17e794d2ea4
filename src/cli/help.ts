/** How `--help` shows options: a default that is nothing (no entry, no text, not) is not shown, for it says nothing. */
import { Help, type Command, type Option } from 'commander';

export function hideEmptyDefaults(command: Command): void {
  command.configureHelp({
    optionDescription(option) {
      return Help.prototype.optionDescription.call(this, isNothing(option) ? withoutDefault(option) : option);
    },
  });
}

function isNothing({ defaultValue: value }: Option): boolean {
  return value === '' || value === false || (Array.isArray(value) && value.length === 0);
}

/** The same option, read through: what is asked of it besides its default stays as it is. */
function withoutDefault(option: Option): Option {
  return Object.create(option, { defaultValue: { value: undefined } }) as Option;
}
