"""
Read a ``.launch.py`` file that does nothing but include one XML launch file.

The file is parsed, never run: there is no ``launch`` package to run it with. Any other content is
refused with file and line; such a file needs the real ros2.
"""

from __future__ import annotations

import ast
from pathlib import Path

from ros2_standin.errors import LaunchFileError, StandinError
from ros2_standin.launching.elements import Element

FORM = (
    'LaunchDescription([IncludeLaunchDescription(AnyLaunchDescriptionSource('
    "PathJoinSubstitution([FindPackageShare('package'), 'launch', 'file.launch.xml'])))])"
)
IMPORTS = {
    'launch': {'LaunchDescription'},
    'launch.actions': {'IncludeLaunchDescription'},
    'launch.launch_description_sources': {'AnyLaunchDescriptionSource'},
    'launch.substitutions': {'PathJoinSubstitution'},
    'launch_ros.substitutions': {'FindPackageShare'},
    '__future__': {'annotations'},
}


class _Recognizer:
    """Walks over the one form that is understood."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def refuse(self, node: ast.AST, what: str) -> LaunchFileError:
        """Return the error for a piece of Python that is not in the form."""
        return LaunchFileError(
            self._path,
            getattr(node, 'lineno', 1),
            f'{what}: this stand-in does not run Python launch files, it only reads one that '
            f'returns {FORM}; for anything else launch the .launch.xml file or use the real ros2',
        )

    def function(self, module: ast.Module) -> ast.FunctionDef:
        """Return ``generate_launch_description`` of a module with nothing but imports beside."""
        found = None
        for statement in module.body:
            if isinstance(statement, ast.FunctionDef) and found is None:
                found = statement
            elif isinstance(statement, ast.ImportFrom):
                self._check_import(statement)
            elif not _is_docstring(statement):
                raise self.refuse(statement, 'unexpected statement')
        if found is None or found.name != 'generate_launch_description':
            raise self.refuse(found or module, 'no function generate_launch_description()')
        if found.decorator_list or any(
            (
                found.args.args,
                found.args.posonlyargs,
                found.args.kwonlyargs,
                found.args.vararg,
                found.args.kwarg,
            )
        ):
            raise self.refuse(found, 'unexpected arguments or decorators')
        return found

    def _check_import(self, statement: ast.ImportFrom) -> None:
        allowed = IMPORTS.get(statement.module or '', set())
        if statement.level or any(
            name.name not in allowed or name.asname for name in statement.names
        ):
            raise self.refuse(statement, f'unexpected import from {statement.module}')

    def include(self, function: ast.FunctionDef) -> tuple[ast.AST, str, list[str]]:
        """Return the node, the package and the path below its share of the included file."""
        body = [statement for statement in function.body if not _is_docstring(statement)]
        if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
            raise self.refuse(body[0] if body else function, 'expected one return statement')
        actions = self._items(self._argument(body[0].value, 'LaunchDescription'))
        if len(actions) != 1:
            raise self.refuse(body[0], f'expected one action, got {len(actions)}')
        source = self._argument(actions[0], 'IncludeLaunchDescription')
        location = self._argument(source, 'AnyLaunchDescriptionSource')
        parts = self._items(self._argument(location, 'PathJoinSubstitution'))
        if len(parts) < 2:
            raise self.refuse(location, 'expected a package and a path')
        package = self._string(self._argument(parts[0], 'FindPackageShare'))
        return actions[0], package, [self._string(part) for part in parts[1:]]

    def _argument(self, node: ast.expr, name: str) -> ast.expr:
        """Return the only argument of the call ``name(argument)``."""
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Name)
            or node.func.id != name
            or len(node.args) != 1
            or node.keywords
        ):
            raise self.refuse(node, f'expected {name}(…) with one argument')
        return node.args[0]

    def _items(self, node: ast.expr) -> list[ast.expr]:
        if not isinstance(node, ast.List):
            raise self.refuse(node, 'expected a list')
        return node.elts

    def _string(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise self.refuse(node, 'expected a plain string')
        return node.value


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def read_python(path: Path) -> Element:
    """
    Return what the Python launch file ``path`` includes, as the element ``<launch>``.

    :raises LaunchFileError: if the file has any other form.
    """
    try:
        module = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise LaunchFileError(path, error.lineno or 1, f'not valid Python: {error.msg}') from error
    except (OSError, ValueError) as error:
        raise StandinError(f'cannot read launch file {path}: {error}') from error
    recognizer = _Recognizer(path)
    node, package, parts = recognizer.include(recognizer.function(module))
    line = getattr(node, 'lineno', 1)
    file = '/'.join((f'$(find-pkg-share {package})', *parts))
    include = Element(tag='include', path=path, line=line, attributes={'file': file})
    return Element(tag='launch', path=path, line=line, children=(include,))
