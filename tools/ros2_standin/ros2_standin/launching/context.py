"""The state that grows while a launch file is evaluated, and its scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ros2_standin.errors import LaunchFileError, StandinError
from ros2_standin.launching import substitutions
from ros2_standin.launching.elements import Element


@dataclass(kw_only=True)
class Scoped:
    """What a scoped group restores at its end."""

    configurations: dict[str, str]
    environment: dict[str, str]
    parameters: list[tuple[str, str]] = field(default_factory=list)
    remappings: list[tuple[str, str]] = field(default_factory=list)
    namespace: str | None = None

    def copy(self) -> Scoped:
        """Return an independent copy."""
        return replace(
            self,
            configurations=dict(self.configurations),
            environment=dict(self.environment),
            parameters=list(self.parameters),
            remappings=list(self.remappings),
        )


class Context:
    """Evaluates attributes in the present scope."""

    def __init__(self, configurations: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._initial_environment = dict(environment)
        self.scoped = Scoped(configurations=dict(configurations), environment=dict(environment))

    @contextmanager
    def scope(self, *, forwarding: bool) -> Iterator[None]:
        """Undo at the end what is changed inside; begin empty without ``forwarding``."""
        saved = self.scoped
        if forwarding:
            self.scoped = saved.copy()
        else:
            self.scoped = Scoped(configurations={}, environment=dict(self._initial_environment))
        try:
            yield
        finally:
            self.scoped = saved

    def expand(self, element: Element, text: str) -> str:
        """Carry out the substitutions in ``text``, an attribute of ``element``."""
        return self.perform(element, substitutions.parse(text))

    def perform(self, element: Element, template: substitutions.Template) -> str:
        """Carry out a parsed template; what fails is said with the line of ``element``."""
        scope = substitutions.Scope(
            configurations=self.scoped.configurations,
            environment=self.scoped.environment,
            directory=str(element.path.parent),
        )
        try:
            return substitutions.perform(template, scope)
        except LaunchFileError:
            raise
        except StandinError as error:
            raise element.error(str(error)) from error

    def get(self, element: Element, name: str) -> str | None:
        """Return the expanded attribute ``name`` or ``None`` if it is not there."""
        text = element.attributes.get(name)
        return None if text is None else self.expand(element, text)

    def need(self, element: Element, name: str) -> str:
        """Return the expanded attribute ``name``, which the schema guarantees."""
        return self.expand(element, element.attributes[name])

    def boolean(self, element: Element, name: str, *, default: bool) -> bool:
        """Return the truth of an attribute."""
        value = self.get(element, name)
        if value is None:
            return default
        try:
            return substitutions.to_bool(value)
        except StandinError as error:
            raise element.error(f"attribute '{name}' of <{element.tag}>: {error}") from error

    def is_wanted(self, element: Element) -> bool:
        """Tell whether ``if`` and ``unless`` let the element take part."""
        return self.boolean(element, 'if', default=True) and not self.boolean(
            element, 'unless', default=False
        )
