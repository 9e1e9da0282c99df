/** The varve command, one class a verb. */
@NullMarked
package io.varve.cli;

import org.jspecify.annotations.NullMarked;
