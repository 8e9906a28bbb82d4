/** The power failing at each command to the TPM. CHATPIC_TPM_CUTS sets at how many, before and after each. */
import test from 'tap';
import type { LinkToken } from '../../src/ledger/tokens.js';
import { diskFiles } from '../../src/store/disk.js';
import { tpmAt } from '../../src/store/tpm-device.js';
import { withTpmSlots } from '../../src/store/tpm-slots.js';
import type { Exchange } from '../../src/store/tpm.js';
import { needs } from '../needs.js';
import type { SimulatedTpm } from '../store/simulated-tpm.js';
import { loadModules, openBench, TestClock, TINY, type BenchStore } from './bench-store.js';
import { INDEX, machine, put } from './tpm-machine.js';

/** Cuts the power at the k-th command: before the TPM has it, or when it has done it and nobody heard. */
function cutAt(tpm: SimulatedTpm, k: number, when: 'before' | 'after'): Exchange {
  const exchange = tpmAt(tpm.socket);
  let count = 0;
  return async (command) => {
    if (++count > k) throw Object.assign(new Error('no power'), { code: 'ENODEV' });
    if (count < k) return exchange(command);
    if (when === 'after') await exchange(command);
    await tpm.kill();
    throw Object.assign(new Error('no power'), { code: 'ENODEV' });
  };
}

const modules = await loadModules();

test.test(
  'the power failing at any command of any life loses nothing and brings nothing back',
  needs('swtpm'),
  async (t) => {
    const { tpm, folder } = await machine(t);
    const disk = diskFiles(folder, folder);
    const clock = new TestClock();
    const known = { alive: new Set<LinkToken>(), gone: new Set<LinkToken>(), unsure: new Set<LinkToken>() };
    const bench = (exchange: Exchange): Promise<BenchStore> =>
      openBench(modules, {
        files: withTpmSlots(disk, { device: tpm.socket, index: INDEX }, exchange),
        geometry: { ...TINY, slotBytes: 32 },
        clock,
      });
    const made = await bench(tpmAt(tpm.socket));
    await made.opened.filling;
    await end(made);
    let cuts = 0;
    for (let k = 1; k <= Number(process.env['CHATPIC_TPM_CUTS'] ?? 24); k++) {
      for (const when of ['before', 'after'] as const) {
        const life = await bench(cutAt(tpm, k, when)).catch(() => null);
        if (life !== null) {
          await work(life, known).catch(() => undefined);
          await end(life);
        }
        await tpm.kill();
        await tpm.start();
        const after = await bench(tpmAt(tpm.socket));
        cuts++;
        for (const link of known.alive) if (after.ledger.find(link) === null) t.fail(`lost: cut ${when} ${k}`);
        for (const link of known.gone) if (after.ledger.find(link) !== null) t.fail(`back: cut ${when} ${k}`);
        for (const link of known.unsure) (after.ledger.find(link) === null ? known.gone : known.alive).add(link);
        known.unsure.clear();
        await end(after);
      }
    }
    t.comment(`${cuts} cuts, ${known.alive.size} alive, ${known.gone.size} gone`);
    t.ok(known.alive.size > 5 && known.gone.size > 5);
  },
);

async function work(
  { ledger, opened: { store } }: BenchStore,
  known: Record<'alive' | 'gone' | 'unsure', Set<LinkToken>>,
) {
  for (let round = 0; round < 5; round++) {
    const link = await put({ ledger, arena: store.arena });
    known.alive.add(link);
    const [first] = known.alive;
    known.alive.delete(first!);
    known.unsure.add(first!);
    await ledger.remove(ledger.find(first!)!, 'deleted');
    known.unsure.delete(first!);
    known.gone.add(first!);
    if (round === 0) known.alive.add(await put({ ledger, arena: store.arena }));
    await store.roll();
  }
}

async function end({ opened: life, state }: BenchStore): Promise<void> {
  await life.close().catch(() => undefined);
  state.close();
}
