/** `weir audit`: the operator's and the auditor's side of the audit chain. */
import { Command } from 'commander';
import { auditExportCommand } from './audit-export.ts';
import { auditVerifyCommand } from './audit-verify.ts';

export function auditCommand(): Command {
  return new Command('audit')
    .description('prove the audit chain, or write it out')
    .addCommand(auditVerifyCommand())
    .addCommand(auditExportCommand());
}
