/**
 * What becomes of jobs, alone or in a group: QEMU 7.2's life cycle, verbs, events and their order, without the work.
 */
@NullMarked
package io.varve.core.job;

import org.jspecify.annotations.NullMarked;
