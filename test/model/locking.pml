/*
 * The locking protocol: what workers, one for each vCPU, do to functions that they share.
 *
 * Names in capitals are words of shared memory. A step reads or writes one of them, or is one compare-and-exchange; steps
 * interleave in any order. Where a step has several, all but one are the worker's own, or stay as they are: under a lock, or what
 * a published leaf holds. Names in small letters are the model's: what the proof looks at, and a worker's variables.
 *
 * An access
 *   enters, the outermost: publishes the EPOCH that it read, and unmaps this worker's stale pages
 *   looks up the leaf without a lock, and looks at the STATE of the function that it names
 *   takes that function's lock, re-entrant for its holder
 *   looks up again under it: the same function and STATE on, or the access is unclaimed
 *   brings this worker's page of the function up to its GENERATION, maps, touches, runs the handler, touches again
 *   unlocks; the outermost then makes the change that its handlers asked for, and leaves
 * Decode-off
 *   STATE unmapping; lock; the leaf made without it, EPOCH raised; GENERATION; STATE off; unlock; the host is told
 * Storage
 *   is retired when no page leads to it: the EPOCH is raised and is its stamp. It is free when each worker is outside or has
 *   entered at that EPOCH or later. Nobody waits for that: memory grows, or switching decoding on fails.
 *
 * A situation is -DOFF_ON, MOVE, REMOVE, HANDLERS, CIRCLE, DEATH or LIVENESS; -DWRONG_... is a fault that spin must find, and
 * -DSHORTEST for its shortest trail. model.test.ts runs them.
 */

#ifdef CIRCLE
#define FUNCTIONS 3
#else
#define FUNCTIONS 2
#endif
/* The embedder's worker, which calls dispatcher.release. */
#define EMBEDDER 3
#ifdef DEATH
#define WORKERS 4
#else
#define WORKERS 3
#endif
#define NOBODY 7
#define NONE 7

/* Places of BARs in the guest: 0 and 1 are halves of one page, 2 is on the next. */
#define PAGE(place) ((place) / 2)
/* So few that storage is used again, and runs out. */
#if defined(MOVE)
#define LEAVES 4
#elif defined(OFF_ON)
#define LEAVES 2
#else
#define LEAVES 3
#endif
#define OWNER(leaf, place) OWNERS[2 * (leaf) + (place) % 2]
#define OUTSIDE 0
#define USED 255

mtype = { off, mapping, on, unmapping };

/* A function's record. GENERATION: the EPOCH of the last drop of its pages; it goes on when the record is used again. */
byte HOLDER[FUNCTIONS] = NOBODY;
byte DEPTH[FUNCTIONS];
mtype STATE[FUNCTIONS] = off;
byte GENERATION[FUNCTIONS] = 1;
byte BAR[FUNCTIONS];
/* 0, or the EPOCH with which the record was retired. */
byte RECORD[FUNCTIONS];

/* The page map: a leaf is never changed once a page leads to it. Writers hold MAP_HOLDER, and wait for nothing under it. */
byte MAP_HOLDER = NOBODY;
byte LEAF[2] = NONE;
byte OWNERS[2 * LEAVES] = NONE;
/* 0: free; USED; or the EPOCH with which it was retired. */
byte STAMP[LEAVES];

byte EPOCH = 1;
/* OUTSIDE, or the EPOCH that a worker read when it entered. */
byte ENTERED[WORKERS];
/* What a worker that holds a lock waits for. */
byte WAITS[WORKERS] = NONE;
/* The function that a worker is to switch off when its outermost access ends. */
byte DEFERRED[WORKERS] = NONE;

/* A worker's own: the GENERATION of its mapped page of a function, 0: not mapped. */
#define MAPPED(fn) mapped[FUNCTIONS * me + (fn)]
byte mapped[FUNCTIONS * WORKERS];

/* What an access at a level of nesting has in hand. */
#define AT(level) (2 * me + (level))
byte leafOf[2 * WORKERS] = NONE;
byte fnOf[2 * WORKERS] = NONE;

/* The proof's own. */
/* Rises when decoding has gone off: host pages mapped before are another's. */
byte era[FUNCTIONS];
byte mappedIn[FUNCTIONS * WORKERS];
/* The function that must answer an access: on when it began, and left alone since. */
byte must[2 * WORKERS] = NONE;
/* The function that must not: being switched off when the access began. */
byte mustNot[2 * WORKERS] = NONE;
bool closing[FUNCTIONS];
/* Has asked for decode-off, and function 0 has not been off since. */
bool owed[WORKERS];
bool dead;
/* Of loops that are one step; a search for the shortest trail cannot have it hidden. */
#ifdef SHORTEST
byte i;
#else
hidden byte i;
#endif

/* Places that must be reached, or the proof is one of nothing: the program says each once. */
c_decl {
  static int said[9999];
};
#define reached(what) c_code { if (!said[__LINE__]++) printf("reached: %s\n", what); }

/* ---- the function's lock ---- */

/* Of a worker that holds none: it waits. */
inline lock(fn) {
  atomic { HOLDER[fn] == NOBODY -> HOLDER[fn] = me; DEPTH[fn] = 1 }
}

inline unlock(fn) {
  assert(HOLDER[fn] == me);
  if
  :: DEPTH[fn] > 1 -> DEPTH[fn]--
  :: else -> DEPTH[fn] = 0; HOLDER[fn] = NOBODY
  fi
}

/*
 * Of an access from a handler, whose worker holds locks: it says what it waits for and then looks whether that closes a circle.
 * One worker, the last to say so, sees it, and its access is answered with ones. A walk may have seen what was no more; as many
 * walks as workers that all come round have seen it at one time.
 */
inline lockNested(fn) {
  if
#ifndef WRONG_NOT_REENTRANT
  :: HOLDER[fn] == me -> DEPTH[fn]++
#endif
  :: else ->
    WAITS[me] = fn;
    walks = 0; holder = NOBODY;
#ifndef WRONG_WAITS_BLINDLY
    do
    :: walks == FUNCTIONS -> break
    :: else ->
      holder = HOLDER[fn]; length = 0;
      do
      :: holder == NOBODY || holder == me || length == FUNCTIONS -> break
      :: else ->
        next = WAITS[holder];
        if
        :: next == NONE -> holder = NOBODY
        :: else -> holder = HOLDER[next]
        fi;
        length++
      od;
      if
      :: holder == me -> walks++
      :: else -> break
      fi
    od;
#endif
    next = 0; length = 0; walks = 0;
    if
    :: holder == me ->
      assert(HOLDER[fn] != me);
      reached("a circle of waiting");
      printf("vCPU %d gives up function %d, a circle\n", me, fn);
      d_step { WAITS[me] = NONE; refused = true; holder = 0 }
    :: else ->
      holder = 0;
      atomic { HOLDER[fn] == NOBODY -> HOLDER[fn] = me; DEPTH[fn] = 1 };
      WAITS[me] = NONE
    fi
  fi
}

/* ---- entries and storage ---- */

/* The outermost: none of the worker's pages is in use, and the stale ones go. dispatcher.trim does the same. */
inline enter() {
  epoch = EPOCH;
  d_step {
    ENTERED[me] = epoch;
    epoch = 0;
    for (i : 0 .. FUNCTIONS - 1) {
      if
      :: MAPPED(i) != GENERATION[i] -> MAPPED(i) = 0; mappedIn[FUNCTIONS * me + i] = 0
      :: else
      fi
    };
    i = 0
  }
}

inline leave() {
  ENTERED[me] = OUTSIDE
}

#define PASSED(worker, stamp) (ENTERED[worker] == OUTSIDE || ENTERED[worker] >= (stamp))
#ifdef WRONG_REUSED_EARLY
#define FREE(stamp) true
#else
/* One worker after the other in the code: who has passed once cannot come to what was taken out before. */
#define FREE(stamp) (PASSED(0, stamp) && PASSED(1, stamp) && PASSED(2, stamp) && PASSED(WORKERS - 1, stamp))
#endif

/* Storage is never used again while a worker can still read it. */
#define UNREAD(words, which) for (i : 0 .. 2 * WORKERS - 1) { assert(words[i] != (which)) }

/* Makes the leaf of the function's page again, without it and then with `owner` in its place, and publishes it by one store. */
inline replace(fn, owner) {
  d_step { MAP_HOLDER == NOBODY ->
    MAP_HOLDER = me;
    old = LEAF[PAGE(BAR[fn])];
    fresh = NONE;
    failed = false;
    other = NONE;
    if
    :: old != NONE && BAR[fn] < 2 -> other = OWNER(old, 1 - BAR[fn])
    :: else
    fi;
    if
    :: owner != NONE && old != NONE && OWNER(old, BAR[fn]) != NONE -> failed = true /* overlap */
    :: else ->
      if
      :: owner == NONE && other == NONE
      :: else ->
        for (i : 0 .. LEAVES - 1) {
          if
          :: fresh == NONE && STAMP[i] != USED && (STAMP[i] == 0 || FREE(STAMP[i])) -> fresh = i
          :: else
          fi
        }
        failed = (fresh == NONE)
      fi
    fi;
    if
    :: fresh != NONE ->
      if
      :: STAMP[fresh] != 0 -> reached("storage used again"); printf("leaf %d is used again\n", fresh)
      :: else
      fi;
      UNREAD(leafOf, fresh);
      STAMP[fresh] = USED;
      OWNERS[2 * fresh] = NONE; OWNERS[2 * fresh + 1] = NONE;
      if
      :: BAR[fn] < 2 -> OWNER(fresh, 1 - BAR[fn]) = other
      :: else
      fi;
      OWNER(fresh, BAR[fn]) = owner
    :: failed && owner == NONE ->
      /* What is left of a shared page has no leaf: nobody answers there. */
      reached("no storage for a shared page")
    :: else
    fi
  };
  if
  :: failed && owner != NONE -> d_step { other = 0; MAP_HOLDER = NOBODY }
  :: else ->
    d_step {
      LEAF[PAGE(BAR[fn])] = fresh;
      if
      :: fresh == NONE && other != NONE -> disturb(other)
      :: else
      fi
    };
    d_step {
      EPOCH++;
      if
      :: old != NONE -> STAMP[old] = EPOCH
      :: else
      fi;
      old = 0; fresh = 0; other = 0; failed = false;
      MAP_HOLDER = NOBODY
    }
  fi
}

/* ---- decoding ---- */

inline disturb(fn) {
  for (i : 0 .. 2 * WORKERS - 1) {
    if
    :: must[i] == fn -> must[i] = NONE
    :: else
    fi
  }
}

/* Under the lock: takes the function out, whoever began it. */
inline complete(fn) {
  if
  :: STATE[fn] == off
  :: else ->
#ifdef WRONG_STATE_LATE
    d_step { STATE[fn] = unmapping; disturb(fn) };
#else
    d_step { STATE[fn] = unmapping; closing[fn] = true; disturb(fn) };
#endif
    replace(fn, NONE);
#ifndef WRONG_PURGE_FIRST
    GENERATION[fn] = EPOCH;
#endif
    d_step {
      STATE[fn] = off; era[fn]++; closing[fn] = false;
      for (i : 0 .. WORKERS - 1) { owed[i] = owed[i] && fn != 0 };
      printf("worker %d: function %d is off\n", me, fn)
    }
  fi
}

/* Of a worker that holds no lock. */
inline switchOff(fn) {
#ifdef WRONG_PURGE_FIRST
  d_step { EPOCH++; GENERATION[fn] = EPOCH; printf("worker %d drops the pages of function %d\n", me, fn) };
#endif
  d_step {
    if
    :: STATE[fn] == on ->
      closing[fn] = true;
      printf("worker %d begins to switch off function %d\n", me, fn);
#ifndef WRONG_STATE_LATE
      STATE[fn] = unmapping; disturb(fn)
#endif
    :: else
    fi
  };
  lock(fn);
  complete(fn);
  d_step { unlock(fn) }
}

inline switchOn(fn) {
  lock(fn);
  if
  :: STATE[fn] == off ->
    STATE[fn] = mapping;
    replace(fn, fn);
    if
    :: failed -> d_step { reached("no storage to switch on"); STATE[fn] = off; failed = false }
    :: else ->
      d_step {
        STATE[fn] = on;
        for (i : 0 .. 2 * WORKERS - 1) {
          if
          :: mustNot[i] == fn -> mustNot[i] = NONE
          :: else
          fi
        };
        printf("worker %d: function %d is on at place %d\n", me, fn, BAR[fn])
      }
    fi
  :: else
  fi;
  d_step { unlock(fn) }
}

/* A BAR is written while it is off; if it is on: off, change, on. */
inline move(fn, place) {
  d_step { HOLDER[fn] == NOBODY ->
    if
    :: STATE[fn] == off -> BAR[fn] = place
    :: else
    fi
  }
}

/* After decode-off: its record is retired. Waiters for its lock still have it in hand. */
inline retire(fn) {
  d_step { MAP_HOLDER == NOBODY -> EPOCH++; RECORD[fn] = EPOCH; printf("function %d is removed\n", fn) }
}

/* The record becomes another function's; where it cannot yet, that one takes other storage. */
inline assign(fn, place) {
  if
  :: d_step { FREE(RECORD[fn]) ->
    UNREAD(fnOf, fn);
    reached("a record used again");
    printf("record %d is another function's\n", fn);
    RECORD[fn] = 0; BAR[fn] = place;
#ifdef WRONG_GENERATION_RESET
    GENERATION[fn] = 1
#endif
    }
    switchOn(fn)
  :: else -> reached("a record still read")
  fi
}

/* ---- accesses ---- */

#define FN(level) fnOf[AT(level)]

/* The function that a leaf, read now, names for a place. */
inline read(level, place) {
  leafOf[AT(level)] = LEAF[PAGE(place)];
  FN(level) = NONE;
  if
  :: leafOf[AT(level)] != NONE -> FN(level) = OWNER(leafOf[AT(level)], place)
  :: else
  fi
}

inline lookUp(level, place) {
  d_step {
    read(level, place);
    if
    :: FN(level) != NONE && closing[FN(level)] -> mustNot[AT(level)] = FN(level)
    :: FN(level) != NONE && !closing[FN(level)] && STATE[FN(level)] == on -> must[AT(level)] = FN(level)
    :: else
    fi
  }
#ifndef WRONG_WAITS_FOR_ALL
  /* Or decode-off could wait for ever for accesses that begin after it. */
  if
  :: d_step { FN(level) != NONE && STATE[FN(level)] != on -> FN(level) = NONE }
  :: else
  fi
#endif
}

/* The lookup again, under the lock: it cannot find another function's record, only that this one is no longer there. */
inline validate(level, place) {
#ifndef WRONG_NOT_VALIDATED
  d_step {
    i = FN(level);
    read(level, place);
    valid = (FN(level) == i && STATE[i] == on);
    FN(level) = i;
    i = 0
  }
#else
  valid = true
#endif
}

/* No access reaches a page after it was unmapped, nor one of a function that is off or elsewhere. */
inline touch(level, place) {
  d_step {
    assert(HOLDER[FN(level)] == me);
    assert(STATE[FN(level)] == on || STATE[FN(level)] == unmapping);
    assert(BAR[FN(level)] == place);
    assert(MAPPED(FN(level)) != 0);
    assert(mappedIn[FUNCTIONS * me + FN(level)] == era[FN(level)]);
    assert(mustNot[AT(level)] != FN(level));
    printf("vCPU %d touches function %d\n", me, FN(level))
  }
}

/* GENERATION changes under the lock only. */
inline map(level) {
  d_step {
#ifndef WRONG_TRIMMED_AT_ENTRY_ONLY
    if
    :: MAPPED(FN(level)) != 0 && MAPPED(FN(level)) != GENERATION[FN(level)] -> reached("a stale page"); MAPPED(FN(level)) = 0
    :: else
    fi;
#endif
    if
    :: MAPPED(FN(level)) == 0 ->
      MAPPED(FN(level)) = GENERATION[FN(level)];
      mappedIn[FUNCTIONS * me + FN(level)] = era[FN(level)];
      printf("vCPU %d maps the page of function %d\n", me, FN(level))
    :: else
    fi;
    valid = false
  }
}

/* Answered by a function, by ones in a circle, or unclaimed: then none had to. */
inline end(level, answered) {
  assert(answered || must[AT(level)] == NONE);
  leafOf[AT(level)] = NONE; FN(level) = NONE;
  must[AT(level)] = NONE; mustNot[AT(level)] = NONE
}

inline nested(there) {
#ifdef WRONG_NESTED_PASSES
  enter();
#endif
  lookUp(1, there);
  if
  :: d_step { FN(1) == NONE -> end(1, false) }
  :: else ->
    lockNested(FN(1));
    if
    :: d_step { refused -> refused = false; end(1, true) }
    :: else ->
      validate(1, there);
      if
      :: !valid -> reached("a lookup no longer valid"); d_step { unlock(FN(1)); end(1, false) }
      :: else -> map(1); touch(1, there); d_step { unlock(FN(1)); end(1, true) }
      fi
    fi
  fi
}

/* What a handler may do. A change of decoding is left to the end of the outermost access, of whichever function. */
inline handle() {
  if
  :: true
  :: nested(0)
#ifndef CIRCLE
  :: nested(1)
#else
  :: nested(1)
  :: nested(2)
#endif
#ifdef WRONG_OFF_AT_ONCE
  :: d_step { STATE[FN(0)] = unmapping; closing[FN(0)] = true; disturb(FN(0)) }; complete(FN(0))
#elif !defined(CIRCLE) && !defined(LIVENESS)
  :: d_step {
#ifndef WRONG_REMOVED_SWITCHED
      RECORD[0] == 0 ->
#endif
#ifdef WRONG_DEFERRED_IN_FUNCTION
      for (i : 0 .. WORKERS - 1) { DEFERRED[i] = NONE };
#endif
      DEFERRED[me] = 0;
      owed[me] = (STATE[0] != off);
      printf("vCPU %d: a handler switches off function 0\n", me)
    }
#endif
  fi
}

inline deferred() {
  if
  :: atomic { DEFERRED[me] == 0 ->
    reached("a deferred change");
    FN(0) = 0 };
    switchOff(0);
    d_step { FN(0) = NONE; DEFERRED[me] = NONE }
  :: else
  fi;
  assert(!owed[me])
}

inline access(there, handlers) {
  enter();
  lookUp(0, there);
  if
  :: d_step { FN(0) == NONE -> end(0, false) }
  :: else ->
    lock(FN(0));
    validate(0, there);
    if
    :: !valid -> reached("a lookup no longer valid"); d_step { unlock(FN(0)); end(0, false) }
    :: else ->
      map(0);
      touch(0, there);
      if
      :: handlers -> handle(); touch(0, there)
      :: else
      fi;
      d_step { unlock(FN(0)); end(0, true) }
    fi
  fi;
#ifdef WRONG_LEFT_FIRST
  leave();
  deferred()
#else
  deferred();
  leave()
#endif
}

/* Of the control path: an entry for each change. */
inline decodeOff(fn) {
  enter();
  switchOff(fn);
  leave()
}

inline decodeOn(fn) {
  enter();
  switchOn(fn);
  leave()
}

/* ---- the embedder: dispatcher.release(worker) ---- */

/* All locks first: who waits for one of them may hold what the second half waits for. */
inline release(worker) {
#ifndef WRONG_DIED_INSIDE
  ENTERED[worker] = OUTSIDE;
#endif
  WAITS[worker] = NONE;
  if
  :: MAP_HOLDER == worker ->
    MAP_HOLDER = me;
    /* What it had taken and not published, or taken out and not retired. */
    d_step {
      EPOCH++;
      for (i : 0 .. LEAVES - 1) {
        if
        :: STAMP[i] == USED && LEAF[0] != i && LEAF[1] != i -> reached("storage of the dead"); STAMP[i] = EPOCH
        :: else
        fi
      }
    };
    MAP_HOLDER = NOBODY
  :: else
  fi;
  releaseLock(worker, 0);
  releaseLock(worker, 1);
  releaseChange(worker, 0);
  releaseChange(worker, 1);
  DEFERRED[worker] = NONE
}

inline releaseLock(worker, fn) {
  if
  :: HOLDER[fn] == worker ->
    reached("a lock of the dead");
    d_step { DEPTH[fn] = 1; HOLDER[fn] = me };
    printf("the embedder frees function %d\n", fn);
    if
    :: STATE[fn] == mapping || STATE[fn] == unmapping -> reached("a change of the dead"); complete(fn)
    :: else
    fi;
    d_step { unlock(fn) }
  :: else
  fi
}

inline releaseChange(worker, fn) {
  if
  :: STATE[fn] == unmapping || DEFERRED[worker] == fn -> switchOff(fn)
  :: else
  fi
}

/* ---- situations ---- */

inline anyPlace() {
  if
  :: place = 0
  :: place = 1
#if defined(MOVE) || defined(CIRCLE)
  :: place = 2
#endif
  fi
}

#define VARIABLES \
  byte epoch; byte old; byte fresh; byte other; bool failed; \
  byte holder; byte next; byte length; byte walks; bool refused; \
  bool valid; byte place

#ifdef HANDLERS
#define WITH_HANDLERS true
#define ACCESSES 1
#else
#define WITH_HANDLERS false
#define ACCESSES 2
#endif

/* What a worker has mapped when it ends is nobody's concern. */
inline exit() {
  d_step {
    for (i : 0 .. FUNCTIONS - 1) { MAPPED(i) = 0; mappedIn[FUNCTIONS * me + i] = 0 };
    i = 0
  }
}

proctype vcpu(byte me; byte left) {
  VARIABLES;
  do
#ifndef LIVENESS
  :: left == 0 -> break
#endif
  :: left > 0 ->
#ifndef LIVENESS
    left--;
#endif
#ifdef CIRCLE
    place = me;
#else
    anyPlace();
#endif
    access(place, WITH_HANDLERS);
    place = 0
  od;
  exit()
}

/* A vCPU whose guest switches decoding and writes BARs. */
proctype control(byte me) {
  VARIABLES;
  decodeOff(0);
#if defined(MOVE)
  move(0, 2); decodeOn(0);
  decodeOff(1); move(1, 0); decodeOn(1)
#elif defined(REMOVE)
  retire(0);
  enter(); assign(0, 0); leave()
#elif defined(OFF_ON)
  decodeOn(0);
  access(0, false)
#elif defined(HANDLERS)
  decodeOn(0)
#endif
  exit()
}

#ifdef DEATH
proctype mortal(byte me) {
  VARIABLES;
  {
    if
    :: anyPlace(); access(place, true)
    :: decodeOff(0); decodeOn(0)
    fi
  } unless { dead }
}

proctype embedder(byte me) {
  VARIABLES;
  d_step {
    dead = true;
    for (i : 0 .. 1) { leafOf[i] = NONE; fnOf[i] = NONE; must[i] = NONE; mustNot[i] = NONE };
    for (i : 0 .. FUNCTIONS - 1) { mapped[i] = 0; mappedIn[i] = 0 };
    owed[0] = false;
    printf("vCPU 0 dies\n")
  };
  enter();
  release(0);
  leave()
}
#endif

init {
  d_step {
    for (i : 0 .. FUNCTIONS - 1) { BAR[i] = i; STATE[i] = on };
    LEAF[0] = 0; STAMP[0] = USED; OWNERS[0] = 0; OWNERS[1] = 1;
#ifdef CIRCLE
    LEAF[1] = 1; STAMP[1] = USED; OWNERS[2] = 2;
#endif
    i = 0
  };
  atomic {
#ifdef DEATH
    run mortal(0);
    run embedder(EMBEDDER);
#else
    run vcpu(0, ACCESSES);
#endif
    /* A second one is what only handlers' faults need. */
#if !defined(SHORTEST) || defined(HANDLERS)
    run vcpu(1, 1);
#endif
#ifdef CIRCLE
    run vcpu(2, 1)
#else
    run control(2)
#endif
  };
  /* All have ended: locks are free, and so is what was retired. */
  d_step { _nr_pr == 1 ->
    for (i : 0 .. FUNCTIONS - 1) { assert(HOLDER[i] == NOBODY && DEPTH[i] == 0) };
    for (i : 0 .. FUNCTIONS - 1) { assert(STATE[i] == on || STATE[i] == off) };
    for (i : 0 .. LEAVES - 1) { assert(STAMP[i] == USED -> (LEAF[0] == i || LEAF[1] == i) : FREE(STAMP[i])) }
  }
}

#ifdef LIVENESS
/* However often others access it. */
ltl off_ends { [] (STATE[0] == unmapping -> <> (STATE[0] == off)) }
#endif
