"""What is asked, and every wording in which it may be answered.

Fields in braces are filled by `questions`: `thing` is "a red circle", `the` "the red circle", `place` "at the top
left", `cell` "top left", `list` all things in any order. A field with a capital letter begins a sentence.
"""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "caption": (
        *("Describe the picture.", "What do you see?", "What is in the picture?", "What does the picture show?"),
        *("Describe the image.", "What is in the image?", "Describe this picture.", "What can you see?"),
        *("What shapes are in the picture?", "What is this?"),
    ),
    "shape": (
        *("What shape is {color}?", "Which shape is {color}?", "What shape is the {color} object?"),
        *("What is the {color} shape?", "What shape is the {color} one?", "What is {color}?"),
    ),
    "color": (
        *("What color is the {shape}?", "What colour is the {shape}?", "Which color is the {shape}?"),
        *("What color does the {shape} have?", "What is the color of the {shape}?"),
    ),
    "where": (
        *("Where is {the}?", "Where is {the}?", "Where can I find {the}?", "Where do you see {the}?"),
        "What is the position of {the}?",
    ),
    "at": ("What is {place}?", "What do you see {place}?", "Which shape is {place}?", "What shape is {place}?"),
    "count": (
        *("How many {kind}s are there?", "How many {kind}s do you see?", "How many {kind}s are in the picture?"),
        "Count the {kind}s.",
    ),
    "exists": ("Is there {kind}?", "Do you see {kind}?", "Can you see {kind}?", "Does the picture show {kind}?"),
    "moves": (
        *("What happens in the video?", "Describe the video.", "What happens?", "What does the video show?"),
        *("What do you see?", "What is in the video?"),
    ),
    "what moves": ("What moves?", "Which shape moves?", "What is moving?", "What shape moves in the video?"),
    "was": (
        *("Where was {the}?", "Where was {the} first?", "Where did {the} start?", "Where was {the} at the start?"),
        "Where was {the} before?",
    ),
    "is now": (
        *("Where is {the} now?", "Where is {the}?", "Where did {the} go?", "Where is {the} at the end?"),
        "Where does {the} end?",
    ),
}
"""By kind of question, how it is put. The last four are asked of clips."""

ANSWERS: dict[str, tuple[str, ...]] = {
    "caption": (
        *("{List}.", "I see {list}.", "There is {list}.", "The picture shows {list}.", "I can see {list}."),
        *("This is {list}.", "You can see {list}.", "It shows {list}."),
    ),
    "shape": (
        *("{Shape}.", "{A_shape}.", "It is {a_shape}.", "The {color} shape is {a_shape}.", "That is {a_shape}."),
        *("The {color} one is {a_shape}.", "It looks like {a_shape}.", "I see {a_shape}."),
    ),
    "color": (
        *("{Color}.", "It is {color}.", "The {shape} is {color}.", "The color is {color}.", "It looks {color}."),
        *("The {shape} looks {color}.", "Its color is {color}.", "That is {a_color} {shape}."),
    ),
    "where": (
        *("{Cell}.", "{Place}.", "It is {place}.", "I see it {place}.", "You can find it {place}."),
        *("{The} is {place}.", "You can see it {place}.", "I found it {place}."),
    ),
    "at": (
        *("{Thing}.", "It is {thing}.", "There is {thing}.", "I see {thing}.", "That is {thing}."),
        *("You can see {thing}.", "{Place} there is {thing}.", "{Place} I see {thing}."),
    ),
    "nothing": (
        *("Nothing.", "There is nothing.", "I see nothing there.", "I see nothing {place}.", "It is empty."),
        *("Nothing is there.", "{Place} there is nothing.", "{Place} I see nothing."),
    ),
    "count": (
        *("{Number}.", "There {are} {number}.", "I see {number}.", "I count {number}.", "You can see {number}."),
        *("The picture has {number}.", "The picture shows {number}.", "I can see {number}."),
    ),
    "yes": (
        *("Yes.", "Yes, there is.", "Yes, there is {kind}.", "Yes, I see {kind}.", "Yes, I can see {kind}."),
        *("Yes, I see it.", "Yes, the picture shows {kind}.", "Yes, you can see {kind}."),
    ),
    "no": (
        *("No.", "No, there is not.", "No, there is no {bare}.", "No, I see no {bare}.", "No, I do not see {kind}."),
        *("No, I can see no {bare}.", "No, the picture shows no {bare}.", "No, there is none."),
    ),
    "moves": (
        *("{Thing} moves from {from} to {to}.", "I see {thing} that moves from {from} to {to}."),
        *("{The} moves from {from} to {to}.", "There is {thing} that moves from {from} to {to}."),
        *("{Thing} goes from {from} to {to}.", "{The} goes from {from} to {to}."),
        *("It shows {thing} that moves from {from} to {to}.", "You can see {thing} that goes from {from} to {to}."),
    ),
    "what moves": (
        *(
            "{Thing}.",
            "It is {thing}.",
            "{Thing} moves.",
            "{The} moves.",
            "That is {thing}.",
            "I see {thing} that moves.",
        ),
        *("{The} is moving.", "{Thing} is moving."),
    ),
    "was": (
        *("{Cell}.", "{Place}.", "It was {place}.", "{The} was {place}.", "It started {place}.", "I saw it {place}."),
        *("{The} started {place}.", "First it was {place}."),
    ),
    "is now": (
        *("{Cell}.", "{Place}.", "It is {place}.", "It is now {place}.", "{The} is {place}.", "Now it is {place}."),
        *("You can find it {place}.", "{The} is now {place}."),
    ),
}

CHAT: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Hello", "Hello!", "Hi", "Hi!", "Hey", "Good morning.", "Hello there!"),
        ("Hello!", "Hello! Show me a picture.", "Hi! Show me a picture.", "Hi!", "Hello! What do you want to know?"),
    ),
    (
        ("Who are you?", "What are you?", "What is your name?", "Tell me about you.", "Are you a model?"),
        ("I am a small model.", "I am a small model that looks at shapes.", "A small model that sees shapes."),
    ),
    (
        (
            "What can you do?",
            "What do you know?",
            "Help",
            "Can you help me?",
            "What can I ask you?",
            "How do you work?",
        ),
        (
            *(
                "I can see shapes in a picture.",
                "Show me a picture of shapes and ask me.",
                "I find shapes in pictures.",
            ),
            *("I can tell you the color and the place of a shape.", "Ask me about the shapes in a picture."),
        ),
    ),
    (
        (
            "Thank you.",
            "Thanks!",
            "Thank you!",
            "Good bye.",
            "Bye!",
            "How are you?",
            "Good.",
            "Great!",
            "Yes",
            "No",
            "OK",
        ),
        ("Good! Ask me more.", "Good! Show me more.", "You are welcome.", "Thank you!"),
    ),
)
"""Prompts without a picture, and what may be answered to any of a group."""

BLIND = (
    *("I see no picture.", "There is no picture.", "Show me a picture first.", "Please show me a picture."),
    *("I cannot see a picture.", "I need a picture."),
)
"""What may be answered to a question about a picture when there is none."""

BEFORE = (
    "Please look at the picture.",
    "Hello!",
    "Look at this.",
    "Look closely.",
    "Please tell me.",
    "Hi!",
    "Now tell me.",
)
"""What people write before a question; it changes nothing."""
AFTER = ("Please answer in a few words.", "Thank you.", "Tell me.", "Please be brief.", "Look closely.")
"""What people write after it."""
