// Faults of dispatch: two workers get one task, a result comes before it is there, a wake-up is lost, a death leaves
// something behind.

const table = ['explore/task-table'];
const wakeUps = ['explore/wake-up'];
const lookout = ['test/lookout.test'];
const lookBudget = ['test/look-budget.test'];
const reaper = ['test/reaper.test'];

export const mutants = [
  {
    file: 'branch.js',
    fault: 'a mill is not told of what other threads submit while it could have more threads',
    edits: [['if (this.#vacancy.take(task.terms.bulk))', 'if (false)']],
    caughtBy: ['test/branch.test'],
    named: 'started',
  },
  {
    file: 'flow/chunk.js',
    fault: 'a chunk that was refused is stopped nevertheless, and fails twice',
    edits: [['cell = ELSEWHERE', 'cell = -1']],
    caughtBy: ['test/closing.test'],
    named: 'submit meanwhile, once',
  },
  {
    file: 'flow/single-task.js',
    fault: 'a task that waits for a permit is stopped as if it waited for a cell, and fails twice',
    edits: [
      ['cell = ELSEWHERE;\n    trouble', 'cell = -1;\n    trouble'],
      ['this.cell = ELSEWHERE', 'this.cell = -1'],
    ],
    caughtBy: ['test/stopping.test'],
    named: 'line for a permit, once',
  },
  {
    file: 'dispatch/dispatcher.js',
    fault: 'what waits for a cell is failed twice, if the first to fail stops the others',
    edits: [['for (const task of tasks)\n            task.cell = ELSEWHERE;', '']],
    caughtBy: ['test/closing.test'],
    named: 'wait for a cell, once',
  },
  {
    file: 'flow/run.js',
    fault: 'a large task that is aborted as its permit comes runs all the same',
    edits: [
      [
        'if (signal?.aborted)\n            submitter.stop',
        'if (false)\n            submitter.stop',
      ],
    ],
    caughtBy: ['test/aborted-in-any-step.test'],
    named: 'a run on a slice ends when it is aborted as its permit comes',
  },
  {
    file: 'flow/run-ranges.js',
    fault: 'ranges of a slice whose run is aborted as its permit comes are offered all the same',
    edits: [
      [
        'throw aborted(signal.reason);\n        signal?.addEventListener',
        ';\n        signal?.addEventListener',
      ],
    ],
    caughtBy: ['test/aborted-in-any-step.test'],
    named: 'ranges of a slice ends when it is aborted as its permit comes',
  },
  {
    file: 'flow/chunk-window.js',
    fault: 'a chunk that was filled when its flow is stopped is submitted all the same',
    edits: [
      ['if (this.#failure) {\n            // Stopped', 'if (false) {\n            // Stopped'],
    ],
    caughtBy: ['test/aborted-in-any-step.test'],
    named: 'as it begins',
  },
  {
    file: 'flow/chunk-window.js',
    fault: 'a flow that is stopped as its permit comes keeps it',
    edits: [['this.#leaveAtRest();\n            return false', 'return false']],
    caughtBy: ['test/aborted-in-any-step.test'],
    named: 'as its permit comes',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'the process ends when one of its mills has nothing to do',
    edits: [['if (--busy === 0)', 'if (--busy >= 0)']],
    caughtBy: ['test/lifecycle.test'],
    named: 'though that of another is done',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'a timer for each mill outlives it, and all that it refers to with it',
    edits: [
      ['this.#reap = reap;', 'this.#reap = reap; setInterval(() => this.#look(), 1e9).unref();'],
    ],
    caughtBy: ['test/lifecycle.test'],
    named: 'in memory',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'within a turn it does not look',
    edits: [['this.#lookAtOnce();', '']],
    caughtBy: reaper,
    named: 'within the same turn',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'tasks one after the other keep the event loop from its turn',
    edits: [['inFlight === 0 && now < this.#turnEndsAt', 'inFlight === 0']],
    caughtBy: reaper,
    named: 'has its turn',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'a look within a turn goes on until there is something',
    edits: [['performance.now() - startedAt < AT_ONCE_MS', 'performance.now() - startedAt < 1']],
    caughtBy: reaper,
    named: 'some microseconds',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'it blocks its thread for what is sent while others are in flight',
    edits: [['inFlight === 0 && now < this.#turnEndsAt', 'now < this.#turnEndsAt']],
    caughtBy: reaper,
    named: 'other tasks are in flight',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'once it has stood by in vain, it stands by for good',
    edits: [['this.#standsBy = false; const', 'const']],
    caughtBy: reaper,
    named: 'some turns later',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'it learns nothing from how soon it was told',
    edits: [['this.#budget.came(performance.now() - this.#lastProgress);', '']],
    caughtBy: reaper,
    named: 'soon after it rested',
  },
  {
    file: 'dispatch/reaper.js',
    fault: 'to be told counts as having found it',
    edits: [
      [
        "if (this.#state === 'polling')\n                this.#budget.paid();",
        'this.#budget.paid();',
      ],
    ],
    caughtBy: reaper,
    named: 'soon after it rested',
  },
  {
    file: 'dispatch/look-budget.js',
    fault: 'trials go on, though they show nothing',
    edits: [['Math.min(MOST_BETWEEN, 2 * this.#between)', '1']],
    caughtBy: lookBudget,
    named: 'grow rare',
  },
  {
    file: 'dispatch/look-budget.js',
    fault: 'there is no trial any more, once some have shown nothing',
    edits: [['Math.min(MOST_BETWEEN, 2 * this.#between)', '2 * this.#between']],
    caughtBy: lookBudget,
    named: 'grow rare',
  },
  {
    file: 'dispatch/look-budget.js',
    fault: 'one look that has paid makes trials frequent',
    edits: [['++this.#paid >= SURE', '++this.#paid >= 1']],
    caughtBy: lookBudget,
    named: 'now and then',
  },
  {
    file: 'dispatch/look-budget.js',
    fault: 'looks that have paid add up, whatever was between them',
    edits: [['this.#paid = 0;\n    }', '}']],
    caughtBy: lookBudget,
    named: 'now and then',
  },
  {
    file: 'dispatch/look-budget.js',
    fault: 'after a trial in vain it looks for half of that',
    edits: [['this.#ms === trialMs ? leastMs : Math.max', 'Math.max']],
    caughtBy: lookBudget,
    named: 'showed nothing',
  },
  {
    file: 'flow/run-task.js',
    fault: 'a large task keeps its permit',
    edits: [['this.#permit?.gate.leave(this.#permit.weight);', '']],
    caughtBy: ['test/aborted-in-any-step.test'],
    named: 'as its permit comes',
  },
  {
    file: 'dispatch/vacancy.js',
    fault: 'two submitters take one vacancy',
    edits: [
      [
        'Atomics.compareExchange(words, at, from, to) === from',
        'Atomics.store(words, at, to) === to',
      ],
    ],
    caughtBy: ['test/explore/vacancy.test'],
    named: 'told once',
  },
  {
    file: 'dispatch/vacancy.js',
    fault: 'small tasks of other threads wait for large operations',
    edits: [['!bulk && this.#wantsExpress', 'false']],
    caughtBy: ['test/branch.test'],
    named: 'does not wait for large',
  },
  {
    file: 'dispatch/vacancy.js',
    fault: 'the mill is not told again after it has answered for large operations',
    edits: [['Atomics.store(this.#words, EXPRESS_DUE, 0);', '']],
    caughtBy: ['test/explore/vacancy.test'],
    named: 'has answered',
  },
  {
    file: 'threads/upkeep.js',
    fault: 'tasks are counted before threads are',
    edits: [['this.#household.unclaimed - coming', 'waiting - coming']],
    caughtBy: ['test/upkeep.test'],
  },
  {
    file: 'threads/upkeep.js',
    fault: 'after it has grown a mill wants to be told no more',
    edits: [['this.lookForTasks();\n            return;', 'return;']],
    caughtBy: ['test/branch.test'],
    named: 'started',
  },
  {
    file: 'coordinator.js',
    fault: 'when a thread has left, a mill that had all does not want to be told',
    edits: [['this.crew.lookForTasks();', '']],
    caughtBy: ['test/branch.test'],
    named: 'where all are busy',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'the exchange that claims a task is a store',
    edits: [
      [
        'Atomics.compareExchange(words, at + STATE, word, withState(word, RUNNING, worker)) === word;',
        '(Atomics.store(words, at + STATE, withState(word, RUNNING, worker)), true);',
      ],
    ],
    caughtBy: table,
  },
  {
    file: 'dispatch/layout.js',
    fault: 'the generation of a cell does not change when it is filled anew',
    edits: [
      ['((word & GENERATION_BITS) + GENERATION_ONE) | state', '(word & GENERATION_BITS) | state'],
    ],
    caughtBy: table,
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'a claim does not name its worker',
    edits: [['withState(word, RUNNING, worker)', 'withState(word, RUNNING, 0)']],
    caughtBy: table,
    named: 'dies',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'the list of finished cells is published before its entry',
    edits: [
      [
        'words[tailAt + LINE + (tail & this.#doneMask)] = (at - this.#cellsAt) / LINE;',
        'Atomics.store(words, tailAt, (tail + 1) | 0); words[tailAt + LINE + (tail & this.#doneMask)] = (at - this.#cellsAt) / LINE;',
      ],
    ],
    caughtBy: table,
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'a cell is listed before it is marked as done',
    edits: [
      ['Atomics.store(words, at + STATE, withState(words[at + STATE], DONE, worker));', ''],
      [
        'Atomics.store(words, tailAt, (tail + 1) | 0); } /** Owner: where',
        'Atomics.store(words, tailAt, (tail + 1) | 0); Atomics.store(words, at + STATE, withState(words[at + STATE], DONE, worker)); } /** Owner: where',
      ],
    ],
    caughtBy: table,
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'a task becomes READY before it is in its ring, whose tail is published first',
    edits: [
      [
        "words[this.#entryAt(ring, tail)] = cell; // Publishes the ring's entry. Atomics.store(words, tailAt, (tail + 1) | 0);",
        'Atomics.store(words, tailAt, (tail + 1) | 0); words[this.#entryAt(ring, tail)] = cell;',
      ],
    ],
    caughtBy: table,
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'the exchange that takes a task back is a store',
    edits: [
      [
        'Atomics.compareExchange(this.words, at, word, withState(word, FREE, 0)) === word',
        '(Atomics.store(this.words, at, withState(word, FREE, 0)), true)',
      ],
    ],
    caughtBy: table,
    named: 'taken back',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'what a dead worker was at is not marked',
    edits: [['state === RUNNING ? ORPHANED : state === DONE ? LEFT', 'state === DONE ? LEFT']],
    caughtBy: table,
    named: 'dies',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'what a dead worker had finished without saying so is not marked',
    edits: [
      ['state === RUNNING ? ORPHANED : state === DONE ? LEFT', 'state === RUNNING ? ORPHANED'],
    ],
    caughtBy: table,
    named: 'dies',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'the exchange by which a burial marks a cell is a store',
    edits: [
      [
        'Atomics.compareExchange(this.words, at, word, withState(word, mark, worker));',
        'Atomics.store(this.words, at, withState(word, mark, worker));',
      ],
    ],
    caughtBy: table,
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'an entry that was taken back lends its place to the next task in its cell',
    edits: [
      [
        'const isHere = stateOf(word) === READY && ringIn(words[at + FLAGS]) === ring;',
        'const isHere = stateOf(word) === READY;',
      ],
    ],
    caughtBy: table,
    named: 'taken back',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'a task that is to avoid a worker bars its way to those behind',
    edits: [
      [
        'if (isHere && ring === RETRY_RING && !this.#isFor(at, worker, smallOnly)) {',
        'if (isHere && ring === RETRY_RING && !this.#isFor(at, worker, smallOnly)) { return -1;',
      ],
    ],
    caughtBy: table,
    named: 'tried again',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'entries that were taken back fill a ring',
    edits: [
      [
        'if (this.#isReadyIn(ring, this.at(words[this.#entryAt(ring, head)]))) return false;',
        'return false;',
      ],
    ],
    caughtBy: table,
    named: 'taken back',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'room is made where a task stands that nobody has taken',
    edits: [
      ['if (this.#isReadyIn(ring, this.at(words[this.#entryAt(ring, head)]))) return false;', ''],
    ],
    caughtBy: table,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'a worker goes to sleep without saying so',
    edits: [
      [
        'if (worked) Atomics.store(this.#words, LATEST, worker); this.#sleepers.add(worker);',
        'if (worked) Atomics.store(this.#words, LATEST, worker);',
      ],
    ],
    caughtBy: wakeUps,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'a worker says that it sleeps before it is ready to be woken',
    edits: [
      [
        'Atomics.store(this.#words, parkAt(worker), 0); if (worked) Atomics.store(this.#words, LATEST, worker); this.#sleepers.add(worker);',
        'this.#sleepers.add(worker); Atomics.store(this.#words, parkAt(worker), 0);',
      ],
    ],
    caughtBy: wakeUps,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'a waker believes that a worker which has stopped looking still looks',
    edits: [
      [
        'stopSpinning(worker) { this.#spinners.delete(worker); }',
        'stopSpinning(worker) { if (!this.#sleepers.has(worker)) return; this.#spinners.delete(worker); }',
      ],
    ],
    caughtBy: wakeUps,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'a waker takes it that the worker which parked last still sleeps',
    edits: [['if (latest !== express && this.#sleepers.take(latest))', 'if (latest !== 0)']],
    caughtBy: wakeUps,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'who dozes counts as one that is parked',
    edits: [['this.#dozers.add(worker);', 'this.#sleepers.add(worker);']],
    caughtBy: wakeUps,
    named: 'relied upon',
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'of those that doze one is woken',
    edits: [
      [
        'if (worker !== express && this.#dozers.take(worker)) this.#wake(worker);',
        'if (worker !== express && this.#dozers.take(worker)) { this.#wake(worker); return; }',
      ],
    ],
    caughtBy: wakeUps,
    named: 'relied upon',
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'nobody is woken who dozes',
    edits: [['if (worker !== express && this.#dozers.take(worker)) this.#wake(worker);', '']],
    caughtBy: wakeUps,
    named: 'nobody is parked',
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'who dozed and has found work counts as asleep',
    edits: [['if (this.#dozers.has(worker)) this.#dozers.delete(worker);', '']],
    caughtBy: lookout,
    named: 'dozed or was parked',
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'a worker is woken for what was taken already',
    edits: [['if (!this.someoneLooks && table.waiting)', 'if (!this.someoneLooks)']],
    caughtBy: lookout,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'one that was woken in vain counts as the one that parked last',
    edits: [
      [
        'if (worked) Atomics.store(this.#words, LATEST, worker);',
        'Atomics.store(this.#words, LATEST, worker);',
      ],
    ],
    caughtBy: lookout,
  },
  {
    file: 'dispatch/offers.js',
    fault: 'what came in a turn after a worker was woken is not looked after',
    edits: [['if (this.#more && this.#table.waiting) this.#wakeUp.wakeOne();', '']],
    caughtBy: lookout,
    named: 'parked again',
  },
  {
    file: 'dispatch/offers.js',
    fault: 'a second worker is woken for one task',
    edits: [['if (this.#more && this.#table.waiting)', 'if (this.#table.waiting)']],
    caughtBy: lookout,
    named: 'one task',
  },
  {
    file: 'threads/lookout.js',
    fault: 'a worker that looks no more still says that it does',
    edits: [['this.end(); if (at >= 0)', 'if (at >= 0)']],
    caughtBy: wakeUps,
  },
  {
    file: 'threads/lookout.js',
    fault: 'a worker that was woken in vain looks around',
    edits: [['woken() { this.#worked = false; }', 'woken() { }']],
    caughtBy: lookout,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'a burial does not forget that the dead looked for work',
    edits: [
      [
        'this.#spinners.delete(worker); this.#occupied.delete(worker);',
        'this.#occupied.delete(worker);',
      ],
    ],
    caughtBy: wakeUps,
    named: 'lost',
  },
  {
    file: 'dispatch/workforce.js',
    fault: 'a burial wakes only one that says it sleeps',
    edits: [['this.#wakeUp.wakeEveryone();', 'this.#wakeUp.wakeOne();']],
    caughtBy: wakeUps,
    named: 'asleep',
  },
  {
    file: 'dispatch/workforce.js',
    fault: 'a burial wakes nobody',
    edits: [['this.#wakeUp.wakeEveryone();', '']],
    caughtBy: wakeUps,
    named: 'lost',
  },
  {
    file: 'dispatch/lane-signal.js',
    fault: 'a burial gives a signal only where one is asked for',
    edits: [
      [
        'Atomics.add(words, this.#signalAt, 1); Atomics.notify(words, this.#signalAt); } /** Owner: changes',
        'this.signal(); } /** Owner: changes',
      ],
    ],
    caughtBy: wakeUps,
    named: 'lost',
  },
  {
    file: 'dispatch/lane-signal.js',
    fault: 'a worker does not look again whether a signal is asked for',
    edits: [
      [
        'if (Atomics.load(words, this.#restAt) === 1 &&',
        'if (Atomics.load(words, this.#restAt) === 2 &&',
      ],
    ],
    caughtBy: wakeUps,
  },
  {
    file: 'dispatch/lane-signal.js',
    fault: 'a signal wakes, and is not counted',
    edits: [
      [
        'Atomics.compareExchange(words, this.#restAt, 1, 0) === 1) { Atomics.add(words, this.#signalAt, 1);',
        'Atomics.compareExchange(words, this.#restAt, 1, 0) === 1) {',
      ],
    ],
    caughtBy: wakeUps,
  },
  {
    file: 'dispatch/wake-up.js',
    fault: 'the express worker is not woken',
    edits: [
      [
        'if (express !== 0 && this.#sleeps(express) && allOccupied(words)) this.#wake(express);',
        '',
      ],
    ],
    caughtBy: wakeUps,
    named: 'express',
  },
  {
    file: 'dispatch/claims.js',
    fault: 'the express worker takes chunks',
    edits: [
      [
        'const rings = express ? SMALL : ringsAt(this.#turn);',
        'const rings = ringsAt(this.#turn);',
      ],
    ],
    caughtBy: wakeUps,
    named: 'express',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'the express worker takes chunks that are tried again',
    edits: [['if (smallOnly && (this.words[at + FLAGS] & BULK) !== 0) return false;', '']],
    caughtBy: wakeUps,
    named: 'express',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'a task that need avoid nobody any more is for nobody',
    edits: [['avoided === NOBODY || avoided !== worker', 'avoided !== worker']],
    caughtBy: wakeUps,
    named: 'avoid nobody',
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'a ring is not said to be in use',
    edits: [['Atomics.or(this.words, this.#usedAt, 1 << ring);', '']],
    caughtBy: wakeUps,
  },
  {
    file: 'dispatch/task-table.js',
    fault: 'a cell counts as done because a list names it',
    edits: [
      ['return (state === DONE || state === LEFT) && workerOf(word) === worker;', 'return true;'],
    ],
    caughtBy: table,
    named: 'slow',
  },
  {
    file: 'flow/run-task.js',
    fault: 'a task that a signal may stop is used again',
    edits: [['this.#known = known;', 'this.#known = false;']],
    caughtBy: ['test/stopping.test'],
    named: 'comes late',
  },
  {
    file: 'dispatch/backlog.js',
    fault: 'the backlog forgets a ring that still has tasks',
    edits: [['this.#turn++;', 'this.#turn++; this.#used &= ~(1 << ring);']],
    caughtBy: ['test/backlog.test'],
  },
  {
    file: 'dispatch/circulation.js',
    fault: 'all cells go round, though the owner is back at once',
    edits: [['if (!isMuch)', 'if (false)']],
    caughtBy: ['test/circulation.test'],
    named: 'nothing but send and take',
  },
  {
    file: 'dispatch/circulation.js',
    fault: 'few cells go round for good',
    edits: [['this.#inARow >= IN_A_ROW', 'false']],
    caughtBy: ['test/circulation.test'],
    named: 'four times in a row',
  },
  {
    file: 'dispatch/circulation.js',
    fault: 'one pause has all cells go round',
    edits: [['this.#inARow >= IN_A_ROW', 'true']],
    caughtBy: ['test/circulation.test'],
    named: 'four times in a row',
  },
  {
    file: 'dispatch/circulation.js',
    fault: 'pauses add up until all cells go round',
    edits: [['isMuch ? this.#inARow + 1 : 0', 'this.#inARow + (isMuch ? 1 : 0)']],
    caughtBy: ['test/circulation.test'],
    named: 'back at once in between',
  },
  {
    file: 'dispatch/circulation.js',
    fault: 'all cells going round, the owner seems to be back at once',
    edits: [['(MOST_ELSEWHERE * FEW) / this.#most', 'MOST_ELSEWHERE']],
    caughtBy: ['test/circulation.test'],
    named: 'would be much for few',
  },
  {
    file: 'dispatch/circulation.js',
    fault: 'an owner that has few tasks in flight is asked where it is',
    edits: [['if (inFlight < FEW)', 'if (false)']],
    caughtBy: ['test/circulation.test'],
    named: 'with few in flight',
  },
  {
    file: 'dispatch/circulation.js',
    fault: 'continuations are taken for something else',
    edits: [['soon(this.#leave)', 'this.#leave()']],
    caughtBy: ['test/circulation.test'],
    named: 'nothing but send and take',
  },
  {
    file: 'dispatch/offers.js',
    fault: 'a task takes a cell that is not to go round',
    edits: [['this.#cells.used >= this.#circulation.most || ', '']],
    caughtBy: ['test/circulation.test'],
    named: 'wait in the backlog',
  },
  {
    file: 'dispatch/letters.js',
    fault: 'an error is not told where pools cannot be loaded to lease a slice for it',
    edits: [
      [
        'const slice = this.#memory.pools.acquire(bytes.byteLength);',
        'const slice = (() => { try { return this.#memory.pools; } catch { process.exit(9); } })().acquire(bytes.byteLength);',
      ],
    ],
    caughtBy: ['test/run-failures.test'],
    named: 'no file left',
  },
];
