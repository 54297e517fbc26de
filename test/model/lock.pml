/*
 * How a worker sleeps that waits for a function's lock: assembly/lock.ts, a step for each access to shared memory, with accesses from
 * handlers. Whoever sleeps must be woken; who closes a circle of waiting gives up.
 *
 * A situation is -DALIVE, four workers, or -DDEATH, three, of which one dies at any step: also when it has freed a lock and woken nobody,
 * or was woken and has not looked. -DWRONG_... is a fault that spin must find. model.test.ts runs them.
 */

#define WORKERS 4
#define RECORDS 2
#define NONE 7
#define FREE 0
/* In HOLDER: who releases it wakes one who waits. */
#define WAITED 64

/* 0, or the holder's number + 1, with WAITED. */
byte HOLDER[RECORDS];
byte WAITS[WORKERS] = NONE;
/* The record that a worker sleeps at. */
byte asleep[WORKERS] = NONE;
bool dead;

c_decl {
  static int said[9999];
};
#define reached(what) c_code { if (!said[__LINE__]++) printf("reached: %s\n", what); }

#define sleepsAt(record) (asleep[0] == record || asleep[1] == record || asleep[2] == record || asleep[3] == record)

/* atomic.notify: wakes one, any, of those who sleep. */
inline notify(record) {
  atomic {
    if
    :: asleep[0] == record -> asleep[0] = NONE
    :: asleep[1] == record -> asleep[1] = NONE
    :: asleep[2] == record -> asleep[2] = NONE
    :: asleep[3] == record -> asleep[3] = NONE
    :: else
    fi
  }
}

/* atomic.wait: sleeps if the value is still that. */
inline wait(record, value) {
  d_step {
    if
    :: HOLDER[record] == (value) -> asleep[me] = record; reached("a worker that sleeps"); printf("worker %d sleeps at lock %d\n", me, record)
    :: else
    fi
  };
  asleep[me] == NONE
}

inline closesCircle(record) {
  walk = 0; walks = 1; circle = true;
  do
  :: !circle || walk == walks -> break
  :: else ->
    next = record; length = 1;
    do
    :: length > WORKERS -> circle = false; break
    :: else ->
      seen = HOLDER[next] & 63;
      if
      :: seen == me + 1 -> break
      :: seen == FREE -> circle = false; break
      :: else ->
        next = WAITS[seen - 1];
        if
        :: next == NONE -> circle = false; break
        :: else -> length++
        fi
      fi
    od;
    atomic { walks = length; walk++ }
  od;
  atomic { walk = 0; walks = 0; next = 0; length = 0; seen = 0 }
}

inline tryAcquire(record) {
  d_step {
    acquired = (HOLDER[record] == FREE);
    if
    :: acquired -> HOLDER[record] = me + 1; printf("worker %d has lock %d\n", me, record)
    :: else
    fi
  }
}

inline sleepUntilAcquired(record) {
  do
  :: d_step { HOLDER[record] == FREE -> HOLDER[record] = (me + 1) | WAITED; acquired = true; printf("worker %d has lock %d\n", me, record) }; break
  :: else ->
    taken = HOLDER[record];
    if
    :: taken == FREE
    :: else ->
      /* No walk comes round to who holds no lock. */
      if
      :: holds -> closesCircle(record)
      :: !holds
      fi;
      if
      :: circle ->
        reached("a circle of waiting");
        printf("worker %d gives up lock %d, a circle\n", me, record);
#ifndef WRONG_GIVES_UP_SILENTLY
        notify(record);
#endif
        break
      :: else ->
        if
        :: d_step { HOLDER[record] == taken -> HOLDER[record] = taken | WAITED }; wait(record, taken | WAITED)
        :: else
        fi
      fi
    fi
  od;
  atomic { taken = 0; circle = false }
}

inline acquire(record) {
  tryAcquire(record);
  if
  :: acquired
  :: !acquired ->
    WAITS[me] = record;
    sleepUntilAcquired(record);
    WAITS[me] = NONE
  fi
}

inline release(record) {
  d_step { assert((HOLDER[record] & 63) == me + 1); marked = HOLDER[record] & WAITED; HOLDER[record] = FREE;
    printf("worker %d frees lock %d\n", me, record) };
#ifdef WRONG_NOT_MARKED
  marked = 0;
#endif
  if
  :: marked != 0 -> notify(record); marked = 0
  :: marked == 0
  fi
}

#define VARIABLES \
  byte walk; byte walks; byte next; byte length; byte seen; bool circle; byte taken; bool acquired; byte marked; bool holds

/* An access, and of some one to the other function from its handler. */
inline accesses() {
  acquire(first);
  if
  :: acquired ->
    if
    :: nests -> holds = true; acquire(1 - first); holds = false;
      if
      :: acquired -> release(1 - first)
      :: !acquired
      fi
    :: !nests
    fi;
    release(first)
  :: !acquired
  fi
}

proctype vcpu(byte me; byte first; bool nests) {
  VARIABLES;
  accesses()
}

#ifdef DEATH
inline wakeAll(record) {
  d_step {
    for (each : 0 .. WORKERS - 1) {
      if
      :: asleep[each] == record -> asleep[each] = NONE
      :: else
      fi
    };
    each = 0
  }
}

/* The dead may have freed a lock and not woken anybody, or have been woken and not looked: all look. */
inline freeLock(record) {
  if
  :: (HOLDER[record] & 63) == 1 ->
    reached("a lock of the dead");
    HOLDER[record] = FREE
#ifdef WRONG_WAKES_HOLDERS_ONLY
    ; wakeAll(record)
#endif
  :: else
  fi
#ifndef WRONG_WAKES_HOLDERS_ONLY
  ;
  wakeAll(record)
#endif
}

proctype mortal(byte me; byte first; bool nests) {
  VARIABLES;
  {
    accesses()
  } unless { dead }
}

/* src/shared/release.ts */
proctype embedder() {
  byte each;
  d_step { dead = true; asleep[0] = NONE; printf("worker 0 dies\n") };
  WAITS[0] = NONE;
  freeLock(0);
  freeLock(1)
}
#endif

init {
  atomic {
    run vcpu(1, 0, false);
    run vcpu(2, 1, true);
#ifdef DEATH
    run mortal(0, 0, true);
    run embedder()
#else
    run vcpu(3, 0, true);
    run vcpu(0, 0, false)
#endif
  };
  d_step { _nr_pr == 1 -> assert((HOLDER[0] & 63) == FREE && (HOLDER[1] & 63) == FREE) }
}
