/**
 * Bugs planted in copies of the build, each of which the crash model must find: otherwise its zeros say nothing.
 * CHATPIC_CRASH_RUNS sets how long it looks.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';
import { BUILD, loadModules } from './bench-store.js';
import { failuresIn, runModel } from './crash-model.js';

const RUNS = Math.max(400, Number(process.env['CHATPIC_CRASH_RUNS'] ?? 0));

type Edit = readonly [file: string, from: string, to: string];

const BUGS: Readonly<Record<string, readonly Edit[]>> = {
  'a page of the log is not synced': [['store/store.js', 'await log.sync();', '']],
  'a snapshot is not synced': [['store/epoch-set.js', 'await files.snapshot.sync();', '']],
  'a new slot is not synced': [
    [
      'store/epoch-set.js',
      'await files.slot.write(slot, 0);\n        await files.slot.sync();',
      'await files.slot.write(slot, 0);',
    ],
  ],
  'page 0 is not synced': [['store/epoch-set.js', 'await files.log.sync();', '']],
  'the arena is not synced': [['store/arena-file.js', 'this.#guarded(() => this.#file.sync())', 'Promise.resolve()']],
  'the destruction of a slot is not synced': [
    ['store/epoch-set.js', 'giveBack(noise);\n    await files.slot.sync();', 'giveBack(noise);'],
  ],
  'an old slot is left': [['store/store.js', 'await destroySlot(sets[this.#set], geometry);', ';']],
  'half of an old slot is left, and it was synced': [
    ['store/epoch.js', 'sha512(slot)', 'sha512(slot.subarray(1024))'],
    [
      'store/epoch-set.js',
      'const noise = fillRandom(Buffer.from(new ArrayBuffer(geometry.slotBytes)));',
      'const noise = fillRandom(Buffer.from(new ArrayBuffer(1024)));',
    ],
  ],
  'the old slot is destroyed before the new set is written': [
    [
      'store/store.js',
      'keys = await writeSet(',
      'if (this.#set !== null) await destroySlot(sets[this.#set], geometry);\n            keys = await writeSet(',
    ],
  ],
  'a restart continues the epoch': [
    ['store/open.js', 'wipeKeys(reading.keys);', ''],
    ['store/open.js', 'await store.roll();', 'if (made) await store.roll(); else store.goOn(origin.reading);'],
    [
      'store/store.js',
      '#enqueue(item) {',
      'goOn(reading) { this.#keys = reading.keys; this.#page = 1 + reading.log.commits.length; }\n    #enqueue(item) {',
    ],
  ],
  'a round takes a slot again': [
    [
      'store/epoch-set.js',
      'const slot = fillRandom(secretBytes(geometry.slotBytes));',
      'const slot = secretBytes(geometry.slotBytes).fill(3);',
    ],
  ],
  'a page is answered before it is written': [
    [
      'store/store.js',
      'const clock = this.now();\n            await',
      'const clock = this.now();\n            for (const item of batch) item.resolve();\n            await',
    ],
  ],
  'a page is applied before it is written': [
    [
      'store/store.js',
      'await this.#write(clock, batch);\n            this.#alive();\n            applyEntries(this.#parts, clock, entries);',
      'applyEntries(this.#parts, clock, entries);\n            for (const item of batch) item.resolve();\n            await this.#write(clock, batch);',
    ],
  ],
  'the claim of a last view is not synchronous': [['ledger/live-ledger.js', 'this.#gone.add(id);', '']],
  'the claim of a view is not synchronous': [
    ['ledger/live-ledger.js', 'this.#viewsLeft.set(share.id, viewsLeft);', ''],
  ],
  'the clock of the last page is forgotten': [
    ['store/open.js', 'notBefore: origin?.reading.log.clock ?? 0', 'notBefore: 0'],
  ],
  'a replay does not drop what had expired': [
    [
      'ledger/ledger-state.js',
      'while (this.dropSome() && this.listener === null)',
      'while (this.listener !== null && this.dropSome())',
    ],
  ],
  'a secret that died stays in the vault': [
    ['store/vault.js', 'this.wipe(place);\n        this.#used[place] = 0;', 'this.#used[place] = 0;'],
  ],
  'a reader has no hold on the units': [
    ['store/unit-pool.js', 'for (const unit of units)\n            this.#add(unit);', ''],
    [
      'store/unit-pool.js',
      "invariant(left >= 0, 'a unit is released as often as it was taken');",
      'if (left < 0) return;',
    ],
  ],
  'it is not on record which units are filled': [
    [
      'store/open.js',
      'record: (filled) => store.recordFilled(filled)',
      'record: async (filled) => pool.setFilled(filled)',
    ],
  ],
  'pages that are not written are left as they were': [
    [
      'store/log.js',
      'first < pages; first += STRETCH) {\n        const count',
      'first < 1; first += STRETCH) {\n        const count',
    ],
    [
      'store/log.js',
      'Math.min(STRETCH, pages - first);\n        const stretch = Buffer.from(new ArrayBuffer(count * pageBytes));',
      '1;\n        const stretch = Buffer.from(new ArrayBuffer(count * pageBytes));',
    ],
  ],
  'a long entry counts before its last part': [['store/log.js', 'if (!page.last)\n                continue;', '']],
  'units that are kept are free when their share dies': [
    ['store/unit-pool.js', 'this.#claim(this.#kept, unit);', 'this.#kept[unit] = 1;'],
    ['store/unit-pool.js', 'this.#unclaim(this.#kept, unit);', 'this.#kept[unit] = 0;'],
  ],
  'a start forgets which units are kept': [
    ['ledger/ledger-state.js', 'for (const kept of tables.keptList())\n                    this.#claim(kept);', ';'],
    [
      'store/unit-pool.js',
      'this.#unclaim(this.#kept, unit);',
      'if (this.#kept[unit] === 1) this.#unclaim(this.#kept, unit);',
    ],
  ],
  'what was let go is kept again by the next start': [
    ['ledger/ledger-state.js', 'this.#keptShard(fileId).keptDelete(fileId);', ''],
    [
      'store/unit-pool.js',
      'this.#unclaim(this.#kept, unit);',
      'if (this.#kept[unit] === 1) this.#unclaim(this.#kept, unit);',
    ],
  ],
  'units that are let go are never free again': [['store/unit-pool.js', 'this.#unclaim(this.#kept, unit);', ';']],
  'a share that is kept is not gone': [
    [
      'ledger/ledger-state.js',
      'this.#shardOf(row.id).delete(row.id);',
      'if (this.keptOf(row.fileId) === null) this.#shardOf(row.id).delete(row.id);',
    ],
  ],
  'a dead share comes into the next snapshot': [
    [
      'ledger/ledger-state.js',
      'this.#shardOf(row.id).delete(row.id);',
      'if (row.views !== 1) this.#shardOf(row.id).delete(row.id);',
    ],
  ],
};

test.test('a copy in which nothing was planted has no failure', async (t) => {
  const root = path.join(t.testdir({ 'package.json': '{"type":"module"}' }), 'src');
  cpSync(BUILD, root, { recursive: true });
  t.strictSame(failuresIn(await runModel(await loadModules(root), { runs: 20, seed: 11 })), {});
});

for (const [name, edits] of Object.entries(BUGS)) {
  test.test(`found: ${name}`, async (t) => {
    const root = path.join(t.testdir({ 'package.json': '{"type":"module"}' }), 'src');
    cpSync(BUILD, root, { recursive: true });
    for (const [file, from, to] of edits) {
      const text = readFileSync(path.join(root, file), 'utf8');
      t.ok(text.includes(from), `${file} has the line that is changed`);
      writeFileSync(
        path.join(root, file),
        text.replace(from, () => to),
      );
    }
    const counters = await runModel(await loadModules(root), { runs: RUNS, seed: 11, untilFailure: true });
    const failures = failuresIn(counters);
    t.comment(`${counters.runs} runs: ${JSON.stringify(failures)}`);
    t.not(Object.keys(failures).length, 0);
  });
}
