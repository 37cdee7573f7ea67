"""From the bytes of a medium to eight small pictures, in workers that may die without harm."""
