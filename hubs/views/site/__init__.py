"""What identifies the instance and its hubs to other programs: icons, pictures, and descriptions for search engines."""
