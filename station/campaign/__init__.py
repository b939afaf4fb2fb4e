"""The campaign: whole sessions of the real station against a bench that fails, in virtual time, from one seed.

Real here: session, conductor, runner, kernel, scan, guarded ports, store with its outbox, and the guard's own core.
Made up: devices behind their ports, the plant, the technician and everything that goes wrong. One seed is one history
on any machine: time is whole microseconds, chance is our own, no numpy, no transcendental function, no thread.

    chance     what a seed draws            plant      contactor, plug, DUT, load bank: straight lines and steps
    history    faults and acts of a seed    board      the guard's core on a board that can fail
    virtual    an event loop without time   ports      devices of one life of the station, and the guard's port
    technician what a person does           life       the station's rooms, from boot to death
    invariants the 23, looked at every scan bench      the world and its agenda; jumps over quiet time
    shrink     the shortest history         session    one seed, whole
"""
