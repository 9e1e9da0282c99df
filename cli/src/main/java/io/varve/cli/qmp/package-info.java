/** A client of QMP, the agent's control face, and a shell over it. */
@NullMarked
package io.varve.cli.qmp;

import org.jspecify.annotations.NullMarked;
