/** Drives hand-overs between two agents. */
@NullMarked
package io.varve.cli.handover;

import org.jspecify.annotations.NullMarked;
