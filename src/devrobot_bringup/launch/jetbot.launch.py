"""Launch what jetbot.launch.xml describes; the same arguments."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Include the XML launch file of the same name."""
    return LaunchDescription(
        [
            IncludeLaunchDescription(
                AnyLaunchDescriptionSource(
                    PathJoinSubstitution(
                        [
                            FindPackageShare('devrobot_bringup'),
                            'launch',
                            'jetbot.launch.xml',
                        ]
                    )
                )
            ),
        ]
    )
