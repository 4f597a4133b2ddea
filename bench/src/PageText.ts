/** PageText: the text of `BENCHMARKS.md` around the results. */

/** Before the overview. */
export const opening = `# Benchmarks

Written by \`npm run bench\`; do not edit. Where the time goes, row by row, is in [NOTES.md](NOTES.md).
`

/** Before the results. */
export const before = `## What is measured

Each row takes one promise of speed or size, and holds ours against the plainest thing that does the same job, in one run.
The workload is the same everywhere: sessions with a state, and \`update(id, expected, next)\`. *Hot* is one session with 64
callers; *race* means that each caller knows only its own last answer, so of all who ask at once one wins.

What a row counts is the **ratio**. Absolute figures belong to this machine on this day and stand beside it to make the
ratio checkable.

Every subject's own history is checked in the same run: every accepted update made a version of its own, no version is
missing, and the last round is judged linearizable call by call. A subject that lets two callers win, loses an update or
answers stale fails the run, whoever's it is. The rows that make no updates (memory, first touch, opening, cold start,
installation) have nothing to judge, and say so.

Peers keep the smallest record that can decide (a state and a version) and nothing else. Ours keeps the whole checkout
session, makes every check of the contract, and has its limits and its fairness valve on. In P15 peers keep the claim of
work, too, and the CPU time of every server beside the process counts.

## What is not measured

* Networks. The load, the databases and the servers are on one machine, over loopback or a local socket.
* Disks other than this one, but for a line of P6 whose syncs are made slower. How long an \`fsync\` takes decides every
  durable rate; the ratios depend on it less.
* Power loss, crashes and faults: that is correctness, and has its own proof (\`npm run prove\`).
* Services that cannot be installed here from a package (etcd, Temporal, Durable Objects). Restate and DBOS are in P15,
  where the folder \`ONELANE_PEERS\` has them.
* Business work. Access and carts are answered at once, by rules that trust; P1 also shows a port that has to be run.
* Peers in settings that give up the promise: no \`synchronous=NORMAL\`, no \`appendfsync everysec\`.
* Long runs. A row takes minutes at most; garbage that takes hours to build up would not be seen.

## How

* A subject is a process of its own, so that nobody pays for another's compiled code or heap; only one works at a time.
* Rounds go in turn, and who was first in one round is last in the next. The first rounds warm up and do not count.
* A ratio is taken round by round between neighbours in time; the median of those is the result, the lowest and the highest
  are its spread.
* In memory and over HTTP the figure is CPU time of the process, which other users of the machine hardly touch; durable
  rows count updates a second of wall time, because waiting for the disk is what they are about.
* Durable subjects sync before they answer: SQLite \`WAL\` with \`synchronous=FULL\`, PostgreSQL with \`fsync\` and
  \`synchronous_commit\` on, Redis with \`appendfsync always\`, a file with \`fdatasync\`.
* HTTP load comes from \`autocannon\` in another process; only the server's CPU time counts. Each answer is compared with the
  one promised: status, state, and a version one higher than the last.
`

/** After the results. */
export const after = `## How to read, and how to add one

A line reads: row, what was compared, the median ratio with its spread, the target, and whether it is met. For \`≤\` lower is
better, for \`≥\` higher. "(no ratio)" marks the few lines that are bytes, seconds or counts. A spread that crosses the target
means: ask again on a quieter machine, with more rounds. The load average of each row tells how quiet it was; the row itself
makes about 1 of it.

\`\`\`
npm run bench                    # everything, minutes
npm run bench -- --only P6       # one row; the others keep their results
npm run bench -- --quick         # every row coarsely, about five minutes; publishes nothing
npm run bench -- --help          # rounds, scale, the page alone
\`\`\`

The results as data are in [results/latest.json](results/latest.json): \`rows\` holds each line as
\`{ contest, id, what, ratio, target, met, spread, note? }\`, \`contests\` what stands beside the lines (date, load, rounds, scale,
machine, tables, plots), \`failures\` what could not be measured and why.

To add a subject: write it in \`bench/src/subjects\` as \`open\`, \`run\`, \`close\` (see \`Plain.ts\` for the shortest), name it in
\`subjects/index.ts\`, and put the name into the contest of a row. Its history is then judged like everybody's. To add a row:
one file in \`bench/src/rows\` that holds a contest and gives lines, tables and plots, listed in \`rows/index.ts\`.
`
