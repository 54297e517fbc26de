/*
 * The locking protocol: what workers, one for each vCPU, do to functions that they share with OWNER, the worker that made the
 * dispatcher. It alone writes the page map, allocates, and changes functions.
 *
 * Names in capitals are words of shared memory. A step reads or writes one of them, or is one compare-and-exchange; steps
 * interleave in any order. Where a step has several, all but one are the worker's own, or stay as they are: under a lock, or what
 * a published leaf holds. Names in small letters are the model's: what the proof looks at, and a worker's variables.
 *
 * An access (assembly/enter.ts)
 *   has SEEN the EPOCH; the outermost passes an entry: publishes ENTERED = EPOCH, and unmaps this worker's stale pages
 *   takes the lock of the leaf's function at once, if this worker found the leaf at that EPOCH and the lock is free, and gives it
 *   back if the EPOCH is another by then; or looks up the leaf without a lock, looks at the STATE of the function whose record it
 *   leads to, acquires that, re-entrant for its holder, and
 *   is GONE the leaf, releases it and looks up again (at most 64 times in the code; here there are not so many changes)
 *   drops stale pages of the function, if its GENERATION is newer than ENTERED; maps the page by its number; touches; runs the handler
 *   releases; the outermost then asks the owner for what its handlers queued, and waits OUTSIDE for the answer
 * Decode-off (src/shared/domain.ts)
 *   STATE unmapping; EPOCH; under the lock: another leaf published, the old one GONE and retired, STATE off; under the lock again:
 *   GENERATION, EPOCH; the numbers of its pages retired
 * Storage
 *   is retired when nothing leads to it: the EPOCH is raised and is its stamp. It is free when each worker is OUTSIDE or has
 *   ENTERED at that EPOCH or later. Nobody waits for that: memory grows, or switching decoding on fails.
 *
 * A situation is -DOFF_ON, SLOTS, MOVE, REMOVE, HANDLERS, CIRCLE, DEATH, TWICE or LIVENESS, some with -DRECENT; -DWRONG_... is a fault that spin must find,
 * and -DSHORTEST for its shortest trail. model.test.ts runs them. lock.pml is how a worker sleeps that waits for a lock.
 */

#ifdef CIRCLE
#define FUNCTIONS 3
#else
#define FUNCTIONS 2
#endif
#define WORKERS 3
#define OWNER 2
#define NOBODY 7
#define NONE 7

/* Places of BARs in the guest: 0 and 1 are halves of one page, 2 is on the next. */
#define PAGE(place) ((place) / 2)
/* Where function 1 is: on the page of function 0, or alone on its own. */
#ifdef RECENT
#define PLACE_1 2
#else
#define PLACE_1 1
#endif
/* So few that storage is used again, and runs out. */
#if defined(MOVE)
#define LEAVES 4
#elif defined(OFF_ON) || defined(SLOTS)
#define LEAVES 2
#else
#define LEAVES 3
#endif
#define NUMBERS 3
/* The number of the mapped page that a leaf names for a place. */
#define NUMBER(leaf, place) NUMBER_OF[2 * (leaf) + (place) % 2]
#define OUTSIDE 0
#define USED 255

mtype = { OFF, MAPPING, ON, UNMAPPING };
mtype = { NO_CALL, ASKED, ANSWERED };

/* A function's record. */
byte HOLDER[FUNCTIONS] = NOBODY;
byte DEPTH[FUNCTIONS];
mtype STATE[FUNCTIONS] = OFF;
/* The EPOCH at which its pages were dropped last; it goes on when the record is another function's. */
byte GENERATION[FUNCTIONS] = 1;
/* Tells the functions apart that have the record; 0: none has it. */
byte SEQUENCE[FUNCTIONS] = 1;

/* The page map. A leaf is not changed once a page leads to it, but for GONE. */
byte LEAF[2] = NONE;
byte NUMBER_OF[2 * LEAVES] = NONE;
bool GONE[LEAVES];
/* Whereabouts of a mapped page, by its number: the record. */
byte RECORD[NUMBERS] = NONE;

byte EPOCH = 1;

/* A worker's block. ENTERED: OUTSIDE, or the EPOCH at which it passed an entry last. WAITS: the lock that it waits for. */
byte ENTERED[WORKERS];
byte WAITS[WORKERS] = NONE;
mtype CALL[WORKERS] = NO_CALL;
/* 0, or decode-off of the function that has record 0 and this SEQUENCE. */
byte QUEUED[WORKERS];
bool LEFT[WORKERS];
/* Tells the workers apart that have the place, one after the other. */
byte SERIAL[WORKERS] = 1;
/* What CALL asks for: 0 nothing but the queue, 1 decode-off, 2 decode-on of function 0. */
byte asked[WORKERS];

/* The owner's own. */
bool decoding[FUNCTIONS];
byte BAR[FUNCTIONS];
/* The number of a function's page. */
byte numberOf[FUNCTIONS] = NONE;
/* 0: free; USED; or the EPOCH with which it was retired. */
byte leafStamp[LEAVES];
byte numberStamp[NUMBERS];
byte recordStamp[FUNCTIONS];


/* What an access at a level of nesting has in hand. */
#define AT(level) (2 * me + (level))
byte leafOf[2 * WORKERS] = NONE;
byte fnOf[2 * WORKERS] = NONE;

/* The proof's own. */
/* From when a page led to the function until its own change took it out. */
bool there[FUNCTIONS];
/* Rises when host pages are dropped: those mapped before are another's. */
byte era[FUNCTIONS];
/* The function that must answer an access: on when it began, and left alone since. */
byte must[2 * WORKERS] = NONE;
/* The function that must not: the access began at an EPOCH at which it was being switched off. */
byte mustNot[2 * WORKERS] = NONE;
/* That EPOCH; 0: it is not. */
byte closing[FUNCTIONS];
/* Has asked for decode-off, and function 0 has not been off since. */
bool owed[WORKERS];
bool owedByDead;
/* Waits in a circle, or did when another of it gave up. */
bool inCircle[WORKERS];
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

/* ---- the function's lock: assembly/lock.ts ---- */

/* Of a worker that holds none: it waits. */
inline acquire(fn) {
  d_step { HOLDER[fn] == NOBODY -> HOLDER[fn] = me }
}

inline release(fn) {
  assert(HOLDER[fn] == me);
  if
  :: DEPTH[fn] > 0 -> DEPTH[fn]--
  :: else -> HOLDER[fn] = NOBODY
  fi
}

/* From the holder to what it waits for, and so on, back to this worker; as often as workers came round. */
inline closesCircle(fn) {
  walk = 0; walks = 1; circle = true;
  do
  :: !circle || walk == walks -> break
  :: else ->
    next = fn; length = 1;
    do
    :: length > WORKERS -> circle = false; break
    :: else ->
      taken = HOLDER[next];
      if
      :: taken == me -> break
      :: taken == NOBODY -> circle = false; break
      :: else ->
        next = WAITS[taken];
        if
        :: next == NONE -> circle = false; break
        :: else -> length++
        fi
      fi
    od;
    atomic { walks = length; walk++ }
  od;
  atomic { walk = 0; walks = 0; next = 0; length = 0; taken = 0 }
}

/* For the proof: a circle comes to be when its last worker says what it waits for. */
inline sayWaits(fn) {
  d_step {
    assert(HOLDER[fn] != me);
    WAITS[me] = fn;
    for (i : 1 .. 2) {
      next = fn; length = 0;
      do
      :: length > WORKERS || HOLDER[next] == NOBODY -> break
      :: else ->
        if
        :: i == 2 -> inCircle[HOLDER[next]] = true
        :: else
        fi;
        if
        :: HOLDER[next] == me -> break
        :: HOLDER[next] != me && WAITS[HOLDER[next]] == NONE -> length = WORKERS + 1
        :: else -> next = WAITS[HOLDER[next]]; length++
        fi
      od;
      if
      :: length > WORKERS || HOLDER[next] != me -> break
      :: else
      fi
    };
    next = 0; length = 0; i = 0
  }
}

/* Of an access from a handler, whose worker holds locks. What it waits for is said before it is looked for. */
inline acquireNested(fn) {
  if
#ifndef WRONG_NOT_REENTRANT
  :: HOLDER[fn] == me -> DEPTH[fn]++
#endif
  :: else ->
    sayWaits(fn);
    do
    :: atomic { HOLDER[fn] == NOBODY -> HOLDER[fn] = me };
      break
    :: else ->
#ifndef WRONG_WAITS_BLINDLY
      held = HOLDER[fn];
      if
      :: held == NOBODY
      :: else ->
        closesCircle(fn);
        if
        :: circle ->
          reached("a circle of waiting");
          printf("vCPU %d gives up function %d, a circle\n", me, fn);
          assert(inCircle[me]);
          refused = true; break
        :: else -> HOLDER[fn] != held
        fi
      fi
#else
      HOLDER[fn] == NOBODY
#endif
    od;
    atomic { WAITS[me] = NONE; inCircle[me] = false; held = 0; circle = false }
  fi
}

/* ---- entries and storage ---- */

/* Pages of one function, mapped at another GENERATION. The owner's are unmapped when they are dropped. */
inline dropStale(fn) {
  if
  :: mapped[fn] == 0
  :: mapped[fn] != 0 ->
    d_step {
      if
      :: mapped[fn] != GENERATION[fn] -> unmap(fn)
      :: else
      fi
    }
  fi
}

inline unmap(fn) {
  mapped[fn] = 0;
  for (i : 0 .. NUMBERS - 1) {
    if
    :: pages[i] == fn + 1 -> pages[i] = 0; mappedIn[i] = 0
    :: else
    fi
  };
  i = 0
}


/* None of the worker's pages is in use, and what it found before is not in hand any more. */
inline passEntry() {
  d_step { ENTERED[me] = epoch; epoch = 0 };
  dropStale(0);
#if FUNCTIONS == 3
  dropStale(2);
#endif
  dropStale(1)
}

/* A nested access is still at the outermost one's ENTERED. */
inline pass(level) {
#define PASSES(level) (level == 0 && me != OWNER && EPOCH != ENTERED[me])
  if
  :: PASSES(level) -> d_step { seen = EPOCH; epoch = EPOCH }; passEntry()
  :: d_step { !PASSES(level) -> seen = EPOCH }
  fi
}

inline trim() {
  epoch = EPOCH;
  passEntry();
  ENTERED[me] = OUTSIDE
}

/* The owner passes when it asks, where it has nothing in hand. */
#define PASSED(worker, stamp) (ENTERED[worker] == OUTSIDE || ENTERED[worker] >= (stamp))
/* One worker after the other in the code: who has passed once cannot come to what was taken out before. */
#define FREE(stamp) (PASSED(0, stamp) && PASSED(1, stamp))
#ifdef WRONG_REUSED_EARLY
#define FREE_LEAF(stamp) true
#else
#define FREE_LEAF(stamp) FREE(stamp)
#endif
#ifdef WRONG_NUMBER_REUSED_EARLY
#define FREE_NUMBER(stamp) true
#else
#define FREE_NUMBER(stamp) FREE(stamp)
#endif

/* Storage is never used again while a worker can still read it. */
#define UNREAD(words, which) for (i : 0 .. 2 * WORKERS - 1) { assert(words[i] != (which)) }

/* A number for the function's page, if it has none: any that is free (src/shared/page-list.ts). */
inline addPage(fn) {
  if
  :: numberOf[fn] != NONE
  :: else ->
    atomic {
      if
      :: numberStamp[0] != USED && (numberStamp[0] == 0 || FREE_NUMBER(numberStamp[0])) -> numberOf[fn] = 0
      :: numberStamp[1] != USED && (numberStamp[1] == 0 || FREE_NUMBER(numberStamp[1])) -> numberOf[fn] = 1
      :: numberStamp[2] != USED && (numberStamp[2] == 0 || FREE_NUMBER(numberStamp[2])) -> numberOf[fn] = 2
      :: else
      fi;
      if
      :: numberOf[fn] != NONE && RECORD[numberOf[fn]] != NONE ->
        reached("a number used again");
        printf("number %d is of function %d now\n", numberOf[fn], fn)
      :: else
      fi
    };
    if
    :: numberOf[fn] == NONE
    :: else -> d_step { numberStamp[numberOf[fn]] = USED; RECORD[numberOf[fn]] = fn }
    fi
  fi
}

inline removePage(fn) {
  if
  :: numberOf[fn] == NONE
  :: else -> d_step { EPOCH++; numberStamp[numberOf[fn]] = EPOCH; numberOf[fn] = NONE }
  fi
}

/*
 * Makes the leaf of the function's page again, without it or with `number` in its place, and publishes it by one store
 * (src/shared/page-map.ts). Under this function's lock only: the other's accesses may be inside with the old leaf.
 */
inline set(fn, number) {
  d_step {
    old = LEAF[PAGE(BAR[fn])];
    fresh = NONE;
    failed = false;
    other = NONE;
    if
    :: old != NONE && BAR[fn] < 2 -> other = NUMBER(old, 1 - BAR[fn])
    :: else
    fi;
    if
    :: number != NONE && old != NONE && NUMBER(old, BAR[fn]) != NONE -> failed = true /* overlap */
    :: else ->
      if
      :: number == NONE && other == NONE
      :: else ->
        for (i : 0 .. LEAVES - 1) {
          if
          :: fresh == NONE && leafStamp[i] != USED && (leafStamp[i] == 0 || FREE_LEAF(leafStamp[i])) -> fresh = i
          :: else
          fi
        }
        failed = (fresh == NONE)
      fi
    fi;
    if
    :: fresh != NONE ->
      if
      :: leafStamp[fresh] != 0 -> reached("storage used again"); printf("leaf %d is used again\n", fresh)
      :: else
      fi;
      UNREAD(leafOf, fresh);
      leafStamp[fresh] = USED; GONE[fresh] = false;
      NUMBER_OF[2 * fresh] = NONE; NUMBER_OF[2 * fresh + 1] = NONE;
      if
      :: BAR[fn] < 2 -> NUMBER(fresh, 1 - BAR[fn]) = other
      :: else
      fi;
      NUMBER(fresh, BAR[fn]) = number
    :: failed && number == NONE ->
      /* What is left of a shared page has no leaf: nobody answers there. */
      reached("no storage for a shared page")
    :: else
    fi;
    i = 0
  };
  if
  :: failed && number != NONE
  :: else ->
    d_step {
      LEAF[PAGE(BAR[fn])] = fresh;
      there[fn] = (number != NONE);
      for (i : 0 .. 2 * WORKERS - 1) {
        if
        :: there[fn] && mustNot[i] == fn -> mustNot[i] = NONE
        :: else
        fi
      };
      i = 0;
      if
      :: fresh == NONE && other != NONE -> disturb(RECORD[other])
      :: else
      fi
    };
    if
    :: old == NONE
    :: else ->
#ifndef WRONG_GONE_NOT_MARKED
      GONE[old] = true;
#endif
      d_step { EPOCH++; leafStamp[old] = EPOCH }
    fi
  fi;
  d_step { old = 0; fresh = 0; other = 0 }
}

/* ---- decoding: of the owner, between its accesses, when it holds no lock ---- */

inline disturb(fn) {
  for (i : 0 .. 2 * WORKERS - 1) {
    if
    :: must[i] == fn -> must[i] = NONE
    :: else
    fi
  }
}

/* Who passes an entry sees GENERATION no later than EPOCH. */
inline raiseGeneration(fn) {
#ifdef WRONG_EPOCH_FIRST
  EPOCH++;
  d_step { GENERATION[fn] = EPOCH; era[fn]++; unmap(fn) }
#else
  d_step { GENERATION[fn] = EPOCH + 1; era[fn]++; unmap(fn) };
  EPOCH++
#endif
}

/* Unmaps the function's host pages: others' at their next entry. Under the Xen policies the numbers stay. */
inline dropPages(fn) {
  acquire(fn);
  raiseGeneration(fn);
  printf("owner: the pages of function %d are dropped\n", fn);
  d_step { release(fn) }
#ifndef SLOTS
  ;
  removePage(fn)
#endif
}

inline switchOff(fn) {
  acquire(fn);
#ifdef WRONG_STATE_LATE
  STATE[fn] = UNMAPPING;
#endif
  set(fn, NONE);
  d_step { failed = false; STATE[fn] = OFF };
  d_step { release(fn) };
#if !defined(SLOTS) && !defined(WRONG_PURGE_FIRST)
  dropPages(fn);
#endif
  d_step {
    closing[fn] = 0;
#ifdef WRONG_PURGE_FIRST
    era[fn]++;
#endif
    if
    :: fn == 0 -> for (i : 0 .. WORKERS - 1) { owed[i] = false }; owedByDead = false; i = 0
    :: else
    fi;
    printf("owner: function %d is off\n", fn)
  }
}

inline decodeOff(fn) {
#ifdef WRONG_PURGE_FIRST
  dropPages(fn);
#endif
  if
  :: d_step { decoding[fn] ->
      disturb(fn); decoding[fn] = false;
#ifndef WRONG_STATE_LATE
      STATE[fn] = UNMAPPING;
#endif
      printf("owner: begins to switch off function %d\n", fn)
    };
    d_step {
#ifndef WRONG_EPOCH_KEPT
      EPOCH++;
#endif
      closing[fn] = EPOCH
    };
    switchOff(fn)
  :: else
  fi
}

inline decodeOn(fn) {
  if
  :: decoding[fn]
  :: d_step { !decoding[fn] -> STATE[fn] = MAPPING };
    acquire(fn);
    addPage(fn);
    if
    :: numberOf[fn] == NONE -> failed = true
    :: else -> set(fn, numberOf[fn])
    fi;
    d_step { release(fn) };
    d_step {
      if
      :: failed -> reached("no storage to switch on"); failed = false; STATE[fn] = OFF
      :: else ->
        decoding[fn] = true; STATE[fn] = ON;
        printf("owner: function %d is on at place %d\n", fn, BAR[fn])
      fi
    }
  fi
}

/* A BAR is written while it is off. */
inline move(fn, place) {
  d_step {
    if
    :: !decoding[fn] -> BAR[fn] = place
    :: else
    fi
  }
}

/* Its STATE is not looked at any more. Who waits for its lock still has the record in hand. */
inline deassign(fn) {
  d_step { disturb(fn); decoding[fn] = false };
  if
  :: there[fn] -> acquire(fn); set(fn, NONE); d_step { failed = false; release(fn) }
  :: else
  fi;
  if
  :: numberOf[fn] == NONE
  :: else -> dropPages(fn)
  fi;
  SEQUENCE[fn] = 0;
  d_step {
    EPOCH++; recordStamp[fn] = EPOCH;
    for (i : 0 .. WORKERS - 1) { owed[i] = false }; i = 0;
    printf("owner: function %d is removed\n", fn)
  }
}

/* The record becomes another function's; where it cannot yet, that one has other storage. */
inline assign(fn, place) {
  if
  :: d_step { FREE(recordStamp[fn]) ->
    UNREAD(fnOf, fn);
    reached("a record used again");
    printf("record %d is another function's\n", fn);
    recordStamp[fn] = 0; BAR[fn] = place; SEQUENCE[fn] = 2;
#ifdef WRONG_GENERATION_RESET
    GENERATION[fn] = 1;
#endif
    i = 0 };
    decodeOn(fn)
  :: else -> reached("a record still read")
  fi
}

/* ---- accesses ---- */

#ifdef RECENT
/* For each page the leaf that a worker looked up last, and what it had SEEN. Only of pages of one function: here each has its own. */
byte recentLeaf[2 * WORKERS] = NONE;
byte recentAt[2 * WORKERS];
#define RECENT_OF(place) (2 * me + PAGE(place))
#define QUICK bool quick;
#if defined(WRONG_RECENT_KEPT)
#define IS_RECENT(place) (recentAt[RECENT_OF(place)] != OUTSIDE)
#elif defined(WRONG_RECENT_AT_ENTERED)
#define IS_RECENT(place) (recentAt[RECENT_OF(place)] != OUTSIDE && recentAt[RECENT_OF(place)] == ENTERED[me])
#else
#define IS_RECENT(place) (recentAt[RECENT_OF(place)] != OUTSIDE && recentAt[RECENT_OF(place)] == seen)
#endif
#else
#define QUICK
#define quick false
#endif

/* The function that an access found; NONE: unclaimed. */
#define FN(level) found[level]
#define HAS(level) fnOf[AT(level)] = FN(level)

/* Function and number that a leaf, read now, names for a place. */
inline follow(level, place) {
  inHand[level] = NONE; FN(level) = NONE;
  if
  :: leafOf[AT(level)] != NONE -> inHand[level] = NUMBER(leafOf[AT(level)], place)
  :: else
  fi;
  if
  :: inHand[level] != NONE -> FN(level) = RECORD[inHand[level]]
  :: else
  fi;
  HAS(level)
}

inline lookUp(level, place) {
  d_step {
    leafOf[AT(level)] = LEAF[PAGE(place)];
    follow(level, place);
    if
    :: again || FN(level) == NONE
    :: else ->
      if
      :: closing[FN(level)] != 0 && closing[FN(level)] <= seen -> mustNot[AT(level)] = FN(level)
      :: decoding[FN(level)] -> must[AT(level)] = FN(level)
      :: else
      fi
    fi;
#ifdef RECENT
    /* Once: where that is gone, the page map has what is there (assembly/recent.ts). */
    if
    :: !again && IS_RECENT(place) -> leafOf[AT(level)] = recentLeaf[RECENT_OF(place)]; follow(level, place); quick = true
    :: else -> quick = false
    fi
#endif
  }
}

/* False for a function being switched off: that would wait for ever for accesses which begin after it. */
#ifdef WRONG_WAITS_FOR_ALL
#define isOpen(fn) true
#else
#define isOpen(fn) (STATE[fn] != UNMAPPING)
#endif

/* Its function's lock is held then; FN is NONE where nobody answers. */
inline enter(level, place) {
  do
  :: lookUp(level, place);
    if
#ifdef RECENT
    :: quick ->
      if
      :: FN(level) == NONE -> again = true
      :: else ->
        if
        :: atomic { HOLDER[FN(level)] == NOBODY -> HOLDER[FN(level)] = me };
          if
#ifndef WRONG_RECENT_NOT_VALIDATED
          :: d_step { EPOCH != seen ->
            if
            :: GONE[leafOf[AT(level)]] -> reached("a leaf found lately that is gone")
            :: else
            fi;
            release(FN(level)); again = true }
#endif
          :: else -> break
          fi
        :: else -> again = true
        fi
      fi
#endif
    :: FN(level) == NONE && !quick -> break
    :: FN(level) != NONE && !quick ->
      if
      :: d_step { !isOpen(FN(level)) -> FN(level) = NONE }; break
      :: else ->
        if
        :: level == 0 -> acquire(FN(level))
        :: else -> acquireNested(FN(level))
        fi;
        if
        :: refused -> break
#ifndef WRONG_NOT_VALIDATED
        :: !refused && GONE[leafOf[AT(level)]] ->
          reached("a leaf that is gone");
          d_step { release(FN(level)); again = true }
#endif
        :: else ->
#ifdef RECENT
          d_step { recentLeaf[RECENT_OF(place)] = leafOf[AT(level)]; recentAt[RECENT_OF(place)] = seen };
#endif
          break
        fi
      fi
    fi
  od;
  atomic { again = false; seen = 0 }
}

/* What TypeScript finishes, under the lock: GENERATION, and whose the number is, change under it only. */
inline map(level) {
#ifndef WRONG_TRIMMED_AT_ENTRY_ONLY
  if
  :: me != OWNER && GENERATION[FN(level)] > ENTERED[me] ->
    reached("a stale page looked for");
    dropStale(FN(level))
  :: else
  fi;
#endif
  d_step {
    if
    :: pages[inHand[level]] == 0 ->
      pages[inHand[level]] = FN(level) + 1;
      mappedIn[inHand[level]] = era[FN(level)];
      if
      :: mapped[FN(level)] == 0 -> mapped[FN(level)] = GENERATION[FN(level)]
      :: else
      fi;
      printf("worker %d maps the page of function %d, number %d\n", me, FN(level), inHand[level])
    :: else
    fi
  }
}

/* No access reaches a page after it was unmapped, nor one of a function that is off, elsewhere, or another. */
inline touch(level, place) {
  d_step {
    printf("worker %d touches function %d\n", me, FN(level));
    assert(HOLDER[FN(level)] == me);
    assert(there[FN(level)]);
    assert(BAR[FN(level)] == place);
    assert(pages[inHand[level]] == FN(level) + 1);
    assert(mappedIn[inHand[level]] == era[FN(level)]);
#ifndef WRONG_WAITS_FOR_ALL
    assert(mustNot[AT(level)] != FN(level))
#endif
  }
}

/* Answered by a function, by ones in a circle, or unclaimed: then none had to. */
inline end(level, answered) {
  assert(answered || must[AT(level)] == NONE);
  leafOf[AT(level)] = NONE; inHand[level] = NONE; FN(level) = NONE; HAS(level);
  must[AT(level)] = NONE; mustNot[AT(level)] = NONE
}

inline nested(there_) {
#ifdef WRONG_NESTED_PASSES
  epoch = EPOCH;
  passEntry();
#endif
  pass(1);
  enter(1, there_);
  if
  :: d_step { FN(1) == NONE -> end(1, false) }
  :: d_step { FN(1) != NONE && refused -> refused = false; end(1, true) }
  :: else -> map(1); touch(1, there_); d_step { release(FN(1)); end(1, true) }
  fi
}

/* What a handler may do. What it asks for is queued, and asked when the outermost access has ended. */
inline handle() {
  if
  :: true
  :: nested(0)
  :: nested(PLACE_1)
#ifdef CIRCLE
  :: nested(2)
#elif !defined(LIVENESS)
#ifdef WRONG_ASKS_INSIDE
  :: me != OWNER -> ask(1)
#else
  :: d_step { me != OWNER ->
#ifdef WRONG_QUEUED_IN_FUNCTION
      for (i : 0 .. WORKERS - 1) { QUEUED[i] = 0 }; i = 0;
#endif
      QUEUED[me] = 1;
      owed[me] = (SEQUENCE[0] == 1 && decoding[0]);
      printf("vCPU %d: a handler switches off function 0\n", me)
    }
#endif
#endif
  fi
}

/* Holds no lock, and has nothing in hand until its next entry. */
inline ask(what) {
#ifndef WRONG_ASKS_INSIDE
  assert(leafOf[AT(0)] == NONE);
#endif
  d_step { ENTERED[me] = OUTSIDE; asked[me] = what };
  CALL[me] = ASKED;
  CALL[me] == ANSWERED;
  CALL[me] = NO_CALL
}

inline access(there_, handlers) {
  pass(0);
  enter(0, there_);
  if
  :: d_step { FN(0) == NONE -> end(0, false) }
  :: else ->
    map(0);
    touch(0, there_);
    if
    :: handlers -> handle(); touch(0, there_)
    :: else
    fi;
    d_step { release(FN(0)); end(0, true) }
  fi;
  if
  :: me == OWNER || QUEUED[me] == 0
  :: else -> reached("a change that was queued"); ask(0)
  fi;
  assert(!owed[me])
}

/* ---- what the owner does for others, between its own changes: src/shared/answerer.ts ---- */

inline runQueue(worker) {
  d_step { queued = QUEUED[worker]; QUEUED[worker] = 0 };
  if
#ifdef WRONG_REMOVED_SWITCHED
  :: queued != 0 ->
#else
  :: queued != 0 && queued == SEQUENCE[0] ->
#endif
    assert(queued == SEQUENCE[0]);
    queued = 0;
    decodeOff(0)
  :: else -> queued = 0
  fi
}

inline answer(worker) {
  runQueue(worker);
  if
  :: asked[worker] == 1 && SEQUENCE[0] == 1 -> decodeOff(0)
  :: asked[worker] == 2 && SEQUENCE[0] == 1 -> decodeOn(0)
  :: else
  fi;
  d_step { asked[worker] = 0; CALL[worker] = ANSWERED }
}

/* ---- any thread: src/shared/release.ts ---- */

inline releaseLock(worker, fn) {
  if
  :: HOLDER[fn] == worker ->
    reached("a lock of the dead");
#ifndef WRONG_DEPTH_LEFT
    DEPTH[fn] = 0;
#endif
    HOLDER[fn] = NOBODY
  :: else
  fi
}

/* Once: its place may be another's. */
inline releaseDead(worker) {
  if
#ifdef WRONG_RELEASED_TWICE
  :: SERIAL[worker] == 1 ->
#else
  :: d_step { SERIAL[worker] == 1 -> SERIAL[worker] = 0 };
#endif
    CALL[worker] = NO_CALL;
    ENTERED[worker] = OUTSIDE;
    WAITS[worker] = NONE;
    releaseLock(worker, 0);
    releaseLock(worker, 1);
    LEFT[worker] = true
  :: else
  fi
}

/* ---- situations ---- */

inline anyPlace() {
  if
#if defined(HANDLERS) && !defined(REMOVE) && !defined(RECENT)
  :: me == 0 -> place = 0
#else
  :: place = 0
#endif
#ifndef DEATH
  :: place = PLACE_1
#endif
#if defined(MOVE) || defined(CIRCLE)
  :: place = 2
#endif
  fi
}

/*
 * A worker's own: its pages by number (0: not mapped, else the record + 1) and the GENERATION of those of a record; the number that an
 * access at a level of nesting has in hand. For the proof: the era in which a page was mapped.
 */
#define OF_ACCESSES \
  byte pages[NUMBERS]; byte mapped[FUNCTIONS]; byte found[2] = NONE; byte inHand[2] = NONE; byte mappedIn[NUMBERS]; \
  byte epoch; byte seen; byte held; byte next; byte length; byte taken; byte walk; byte walks; bool circle; bool refused; \
  bool again; QUICK byte place

#ifdef HANDLERS
#define WITH_HANDLERS true
#else
#define WITH_HANDLERS false
#endif
#if (defined(HANDLERS) && !defined(RECENT)) || (defined(MOVE) && !defined(SHORTEST))
#define ACCESSES 1
#else
#define ACCESSES 2
#endif

/* What a worker has mapped when it leaves is nobody's concern. */
inline clear() {
  for (i : 0 .. FUNCTIONS - 1) { mapped[i] = 0 };
  for (i : 0 .. NUMBERS - 1) { pages[i] = 0; mappedIn[i] = 0 };
  inHand[0] = NONE; inHand[1] = NONE; found[0] = NONE; found[1] = NONE; i = 0
}

inline detach() {
  d_step { ENTERED[me] = OUTSIDE; clear() }
}

proctype vcpu(byte me; byte left) {
  OF_ACCESSES;
  do
#ifndef LIVENESS
  :: left == 0 -> break
#endif
  :: left > 0 ->
#ifndef LIVENESS
    left--;
#endif
    if
#ifdef CIRCLE
    :: place = me; access(place, true)
#else
    :: anyPlace(); access(place, WITH_HANDLERS)
#if defined(SLOTS) || defined(REMOVE)
    :: trim()
#endif
#ifdef ASKS
    :: ask(1)
    :: ask(2)
#endif
#endif
    fi;
    place = 0
  od;
  detach()
}

#if defined(MOVE)
#define CHANGES 6
#elif defined(SLOTS)
#define CHANGES 5
#elif defined(TWICE)
#define CHANGES 0
#elif defined(LIVENESS) || defined(CIRCLE) || defined(DEATH)
#define CHANGES 1
#else
#define CHANGES 2
#endif

/* All but the owner have ended. */
#define ALONE (_nr_pr == 2 && !LEFT[0])

/* Changes, one after the other, and between them what others ask for. */
proctype control(byte me) {
  OF_ACCESSES;
  byte old; byte fresh; byte other; bool failed; byte queued; byte change;
  do
  :: CALL[0] == ASKED -> answer(0)
  :: CALL[1] == ASKED -> answer(1)
#ifdef DEATH
  :: LEFT[0] ->
#ifndef WRONG_QUEUE_LOST
    runQueue(0);
#endif
    d_step {
      SERIAL[0] = 2; LEFT[0] = false; ENTERED[0] = OUTSIDE; CALL[0] = NO_CALL; QUEUED[0] = 0; asked[0] = 0;
      printf("owner: the place of vCPU 0 is another's\n")
    };
    run vcpu(0, 1)
#endif
  :: change < CHANGES ->
    if
#if defined(CIRCLE)
    :: change == 0 -> access(2, true)
#else
    :: change == 0 ->
#if defined(REMOVE)
      deassign(0)
#else
      decodeOff(0)
#endif
#endif
#if defined(MOVE)
    :: change == 1 -> move(0, 2)
    :: change == 2 -> decodeOn(0)
    :: change == 3 -> decodeOff(1)
    :: change == 4 -> move(1, 0)
    :: change == 5 -> decodeOn(1)
#elif defined(REMOVE)
    :: change == 1 -> assign(0, 0)
#elif defined(SLOTS)
    :: change == 1 -> dropPages(0)
    :: change == 2 -> decodeOn(0)
    :: change == 3 -> dropPages(0)
    :: change == 4 -> access(0, false)
#elif CHANGES == 2
    :: change == 1 -> decodeOn(0)
#endif
    fi;
    change++
  :: change == CHANGES && ALONE -> break
  od;
  detach()
}

#ifdef DEATH
proctype mortal(byte me) {
  OF_ACCESSES;
  {
    if
    :: anyPlace(); access(place, true)
    :: ask(1)
    fi
  } unless { d_step { dead -> clear() } }
}

/* Threads that are none of the workers. */
proctype embedder() {
  if
  :: d_step { !dead ->
    dead = true;
    for (i : 0 .. 1) { leafOf[i] = NONE; fnOf[i] = NONE; must[i] = NONE; mustNot[i] = NONE };
    i = 0;
    owedByDead = owed[0] && QUEUED[0] != 0; owed[0] = false; inCircle[0] = false;
    printf("vCPU 0 dies\n") }
  :: dead
  fi;
  releaseDead(0)
}
#endif

init {
  d_step {
    for (i : 0 .. FUNCTIONS - 1) {
      BAR[i] = i; STATE[i] = ON; decoding[i] = true; there[i] = true;
      numberOf[i] = i; numberStamp[i] = USED; RECORD[i] = i
    };
    LEAF[0] = 0; leafStamp[0] = USED; NUMBER_OF[0] = 0;
#ifdef RECENT
    BAR[1] = PLACE_1; LEAF[1] = 1; leafStamp[1] = USED; NUMBER_OF[2] = 1;
#else
    NUMBER_OF[1] = 1;
#endif
#ifdef CIRCLE
    LEAF[1] = 1; leafStamp[1] = USED; NUMBER_OF[2] = 2;
#endif
    i = 0
  };
  atomic {
    run control(OWNER);
#ifdef DEATH
    run mortal(0);
    run embedder();
#ifdef TWICE
    run embedder();
#endif
#else
    run vcpu(0, ACCESSES);
#endif
    /* A second one is what only handlers' faults need; where leaves are found lately, two accesses of one are. */
#if (!defined(SHORTEST) || defined(HANDLERS)) && !defined(TWICE) && !(defined(HANDLERS) && defined(RECENT))
    run vcpu(1, 1)
#endif
  };
  /* All have ended: locks are free, and so is what was retired. */
  d_step { _nr_pr == 1 ->
    for (i : 0 .. FUNCTIONS - 1) { assert(HOLDER[i] == NOBODY) };
    for (i : 0 .. WORKERS - 1) { assert(WAITS[i] == NONE && QUEUED[i] == 0) };
    for (i : 0 .. LEAVES - 1) { assert(leafStamp[i] == USED -> (LEAF[0] == i || LEAF[1] == i) : FREE(leafStamp[i])) };
    for (i : 0 .. NUMBERS - 1) { assert(numberStamp[i] == USED || FREE(numberStamp[i])) };
    assert(!owedByDead)
  }
}

#ifdef LIVENESS
/* However often others access it. */
ltl off_ends { [] (STATE[0] == UNMAPPING -> <> (STATE[0] == OFF)) }
#endif
