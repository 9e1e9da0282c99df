/** A client of QMP, the agent's control face. */
@NullMarked
package io.varve.cli.qmp;

import org.jspecify.annotations.NullMarked;
