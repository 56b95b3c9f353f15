// Runs methods of the published SDK one after another: a job as JSON on the standard input, the results on the output.

import { readFileSync } from 'node:fs';

const job = JSON.parse(readFileSync(0, 'utf8'));
const { LLMCrafterClient } = await import(job.module);
const client = new LLMCrafterClient(job.apiKey, job.baseUrl, job.options);
const results = [];

const part = path => path.split('.').reduce((value, key) => value[key], results.map(result => result.value));
const resolve = argument => (argument && typeof argument === 'object' && '$' in argument ? part(argument.$) : argument);
const described = error => ({
  message: error.message,
  status: error.status ?? null,
  code: error.code ?? null,
  response: error.response ?? null,
});

for (const { method, args } of job.calls) {
  const result = { chunks: [], completed: [] };
  results.push(result);
  if (method === '$methods') {
    const names = Object.getOwnPropertyNames(LLMCrafterClient.prototype);
    result.value = names.filter(name => name !== 'constructor' && !name.startsWith('_'));
    continue;
  }
  const given = args.map(resolve);
  if (method.endsWith('Stream')) {
    // The callbacks come last: what is not given before them has the SDK's own default.
    const [before] = client[method].toString().split('onChunk');
    while (given.length < before.split(',').length - 1) given.push(undefined);
    given.push(
      chunk => result.chunks.push(chunk),
      frame => result.completed.push(frame),
      error => { result.error = described(error); },
    );
  }
  if (method === 'pollForHumanMessages') {
    // It answers at once and goes on beside; here it is waited for until the agent has the conversation again.
    const heard = message => result.chunks.push(message.content);
    await new Promise(resolve => {
      client.pollForHumanMessages(...given, heard, resolve, { interval: 100, maxRetries: 500 });
    });
    continue;
  }
  try {
    result.value = await client[method](...given);
  } catch (error) {
    result.error = described(error);
  }
}

process.stdout.write(JSON.stringify(results));
