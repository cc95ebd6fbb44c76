"""Evaluate a launch file: arguments and conditions in, processes out; nothing is started here."""

from __future__ import annotations

from collections.abc import Mapping
import os
from pathlib import Path
import shlex

from ros2_standin.errors import LaunchFileError, StandinError
from ros2_standin.launching import parameters, schema
from ros2_standin.launching.arguments import Argument, MAX_DEPTH
from ros2_standin.launching.commands import (
    absolute_namespace,
    node_command,
    prefix_namespace,
    split,
)
from ros2_standin.launching.context import Context
from ros2_standin.launching.elements import Element
from ros2_standin.launching.processes import (
    Message,
    ProcessSpec,
    SIGKILL_TIMEOUT_S,
    SIGTERM_TIMEOUT_S,
    Step,
)
from ros2_standin.launching.sources import load

OUTPUTS = ('both', 'log', 'screen')


class Evaluator:
    """Walks a launch file and collects its steps."""

    def __init__(self, context: Context, write: parameters.WriteParameters) -> None:
        self.steps: list[Step] = []
        self.declared: set[str] = set()
        self._context = context
        self._write = write
        self._depth = 0
        self._count = 0
        self._handlers = {
            'arg': self._arg,
            'executable': self._executable,
            'group': self._group,
            'include': self._include,
            'let': self._let,
            'log': self._log,
            'node': self._node,
            'push_ros_namespace': self._push_namespace,
            'push-ros-namespace': self._push_namespace,
            'set_env': self._set_env,
            'set_parameter': self._set_parameter,
            'set_remap': self._set_remap,
        }

    def run(self, element: Element) -> None:
        """Carry out the children of ``element`` in order."""
        for child in element.children:
            if self._context.is_wanted(child):
                self._handlers[child.tag](child)

    def _arg(self, element: Element) -> None:
        argument = Argument.from_element(element)
        self.declared.add(argument.name)
        values = self._context.scoped.configurations
        if argument.name not in values:
            if argument.default is None:
                raise element.error(
                    f"required launch argument '{argument.name}' was not provided "
                    f'({argument.description}): add {argument.name}:=VALUE'
                )
            values[argument.name] = self._context.perform(element, argument.default)
        if argument.choices and values[argument.name] not in argument.choices:
            raise element.error(
                f"argument '{argument.name}' provided value '{values[argument.name]}' is not "
                f'valid. Valid options are: {list(argument.choices)}'
            )

    def _let(self, element: Element) -> None:
        name = self._context.need(element, 'name')
        self._context.scoped.configurations[name] = self._context.need(element, 'value')

    def _group(self, element: Element) -> None:
        if not self._context.boolean(element, 'scoped', default=True):
            self.run(element)
            return
        forwarding = self._context.boolean(element, 'forwarding', default=True)
        with self._context.scope(forwarding=forwarding):
            self.run(element)

    def _include(self, element: Element) -> None:
        path = Path(self._context.need(element, 'file'))
        if self._depth >= MAX_DEPTH:
            raise element.error(f'includes are nested more than {MAX_DEPTH} deep')
        if not path.is_file():
            raise element.error(f"launch file '{path}' does not exist")
        values = {
            self._context.need(child, 'name'): self._context.need(child, 'value')
            for child in element.children
        }
        # As in the real tool the values stay set after the include, unless a group ends.
        self._context.scoped.configurations.update(values)
        self._depth += 1
        self.run(load(path))
        self._depth -= 1

    def _push_namespace(self, element: Element) -> None:
        joined = prefix_namespace(
            self._context.scoped.namespace, self._context.need(element, 'namespace')
        )
        self._context.scoped.namespace = absolute_namespace(element, joined)

    def _set_env(self, element: Element) -> None:
        name = self._context.need(element, 'name')
        self._context.scoped.environment[name] = self._context.need(element, 'value')

    def _set_parameter(self, element: Element) -> None:
        value = self._context.need(element, 'value')
        parameters.guess(element, value)
        self._context.scoped.parameters.append((self._context.need(element, 'name'), value))

    def _set_remap(self, element: Element) -> None:
        self._context.scoped.remappings.append(
            (self._context.need(element, 'from'), self._context.need(element, 'to'))
        )

    def _log(self, element: Element) -> None:
        self.steps.append(Message(text=self._context.need(element, 'message')))

    def _node(self, element: Element) -> None:
        command = node_command(self._context, element, self._write)
        label = self._context.get(element, 'exec_name') or Path(command[0]).name
        self._process(element, command, label, shell=False)

    def _executable(self, element: Element) -> None:
        shell = self._context.boolean(element, 'shell', default=False)
        if shell:
            command = [self._context.need(element, 'cmd')]
        else:
            command = split(self._context, element, element.attributes['cmd'])
        if not command or not command[0].strip():
            raise element.error("attribute 'cmd' of <executable> is empty")
        default = Path(command[0].split()[0]).name
        label = self._context.get(element, 'name') or default
        self._process(element, command, label, shell=shell)

    def _process(self, element: Element, command: list[str], label: str, *, shell: bool) -> None:
        """Add a process with what all processes have in common."""
        context = self._context
        output = os.environ.get(
            'OVERRIDE_LAUNCH_PROCESS_OUTPUT', context.get(element, 'output') or 'log'
        )
        if output not in OUTPUTS:
            raise element.error(f"output '{output}' is not one of {', '.join(OUTPUTS)}")
        prefix = context.get(element, 'launch-prefix')
        if prefix is None:
            prefix = context.scoped.configurations.get('launch-prefix', '')
        if prefix:
            command = [f'{prefix} {command[0]}'] if shell else [*shlex.split(prefix), *command]
        environment = dict(context.scoped.environment)
        environment.update(
            (context.need(child, 'name'), context.need(child, 'value'))
            for child in element.children
            if child.tag == 'env'
        )
        cwd = context.get(element, 'cwd')
        if cwd is not None and not Path(cwd).is_dir():
            raise element.error(f"working directory '{cwd}' does not exist")
        self._count += 1
        self.steps.append(
            ProcessSpec(
                label=f'{label}-{self._count}',
                command=tuple(command),
                environment=environment,
                cwd=cwd,
                shell=shell,
                show_stdout=output != 'log',
                respawn=context.boolean(element, 'respawn', default=False),
                respawn_delay_s=schema.seconds(element.attributes.get('respawn_delay', '0')),
                is_required=element.attributes.get('on_exit') == 'shutdown',
                sigterm_timeout_s=self._timeout(element, 'sigterm_timeout', SIGTERM_TIMEOUT_S),
                sigkill_timeout_s=self._timeout(element, 'sigkill_timeout', SIGKILL_TIMEOUT_S),
            )
        )

    def _timeout(self, element: Element, name: str, default: float) -> float:
        """Return a time limit: the attribute, else the configuration, else ``default``."""
        text = self._context.get(element, name)
        if text is None:
            text = self._context.scoped.configurations.get(name, str(default))
        try:
            return schema.seconds(text)
        except StandinError as error:
            raise element.error(f'{name}: {error}') from error


def evaluate(
    root: Element,
    *,
    configurations: Mapping[str, str],
    environment: Mapping[str, str],
    write: parameters.WriteParameters,
) -> Evaluator:
    """
    Return the evaluated launch file: its steps and the arguments it declared.

    :raises StandinError: at the first thing that is wrong, with file and line.
    """
    evaluator = Evaluator(Context(configurations, environment), write)
    try:
        evaluator.run(root)
    except LaunchFileError:
        raise
    except StandinError as error:
        raise root.error(str(error)) from error
    return evaluator
