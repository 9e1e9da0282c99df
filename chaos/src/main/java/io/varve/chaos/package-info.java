/**
 * Chaos: real processes that are killed and paused at random while guests write and backups are taken, and the proof
 * that every committed sync point is a state that the drives had between the request of its cut and the answer.
 */
@NullMarked
package io.varve.chaos;

import org.jspecify.annotations.NullMarked;
