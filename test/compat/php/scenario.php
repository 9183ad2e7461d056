<?php
// PHP's side of a transcript; its form is described in transcript.py.
declare(strict_types=1);

error_reporting(E_ALL);
ini_set('display_errors', 'stderr');
ini_set('memory_limit', '1G');
// A warning is something that an application sees: it breaks the scenario off.
set_error_handler(function (int $level, string $text, string $file, int $line): bool {
    throw new ErrorException($text, 0, $level, $file, $line);
});

/** @var array<string, array{int, callable}> */
$scenarios = [];

/** Registers a scenario that makes `$count` observations. */
function scenario(string $name, int $count, callable $run): void
{
    global $scenarios;
    $scenarios[$name] = [$count, $run];
}

function observe(string $label, mixed $value): void
{
    $text = json_encode(readable($value), JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
    echo "  $label: $text\n";
}

/** Bytes that are no text, as a digest. */
function readable(mixed $value): mixed
{
    if (is_array($value)) {
        return array_map('readable', $value);
    }
    if (is_string($value) && (strlen($value) > 1000 || !preg_match('//u', $value))) {
        return strlen($value) . ' bytes ' . hash('sha256', $value);
    }
    return $value;
}

function pattern(int $size): string
{
    return substr(str_repeat(implode('', array_map('chr', range(0, 250))), intdiv($size, 251) + 1), 0, $size);
}

/** Announces the scenarios, then runs those that are asked for. */
function main(): void
{
    global $scenarios;
    foreach ($scenarios as $name => [$count]) {
        echo "plan $name $count\n";
    }
    if (getenv('COMPAT_PLAN')) {
        return;
    }
    $only = explode(',', (string) getenv('COMPAT_ONLY'));
    foreach ($scenarios as $name => [, $run]) {
        if (!in_array($name, $only, true)) {
            continue;
        }
        echo "begin $name\n";
        try {
            $run();
            echo "end $name\n";
        } catch (Throwable $error) {
            echo "error $name line {$error->getLine()}: ", json_encode($error->getMessage(), JSON_UNESCAPED_UNICODE), "\n";
        }
    }
}
