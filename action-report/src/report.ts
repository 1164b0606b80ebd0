import path from 'node:path';
import type { Outcome } from '@migration-guard/shared/action/context';
import { writeAtomically } from '@migration-guard/shared/documents/document';
import { renderPage } from '@migration-guard/shared/report/html';
import { renderReport } from '@migration-guard/shared/report/markdown';
import { runReport } from '@migration-guard/shared/report/run-report';
import { verdictOf } from '@migration-guard/shared/report/verdict';
import { channels } from './channels.ts';
import type { ReportContext, ReportInputs } from './contract.ts';
import { notifyAll } from './notify-all.ts';

/**
 * Renders the run report of the job and takes it to every channel that is set up. A channel that fails is a warning: the others are
 * tried all the same. Throws `document/not-found` where no stage has written a run report.
 */
export async function report(inputs: ReportInputs, context: ReportContext): Promise<Outcome> {
  const json = path.join(context.runFolder, 'run-report.json');
  const run = await runReport.read(json);
  const verdict = verdictOf(run);
  const page = renderPage(run);
  const summary = renderReport(run);
  const files = { html: path.join(context.runFolder, 'report.html'), markdown: path.join(context.runFolder, 'report.md') };
  await writeAtomically(files.html, page);
  await writeAtomically(files.markdown, summary);
  context.setOutput('html', files.html);
  context.setOutput('markdown', files.markdown);
  context.setOutput('json', json);
  context.setOutput('verdict', verdict.tone);
  context.stage.figure('Verdict of the run', verdict.headline);
  const failed = await notifyAll(await channels(inputs, context, { run, verdict, page }), context);
  if (failed.length === 0) return { result: 'passed', summary };
  return { result: 'warned', reason: `The report is made, but did not reach ${failed.join(', ')}.`, summary };
}
