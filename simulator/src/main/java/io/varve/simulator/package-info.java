/**
 * Tests only: the whole system in one thread, on a virtual clock, with faults drawn from one seed. Guests, images, the
 * broker, the store and the processes are models; what decides is core and archive themselves.
 *
 * <p>Where to start: {@link io.varve.simulator.Simulation}.
 */
@NullMarked
package io.varve.simulator;

import org.jspecify.annotations.NullMarked;
