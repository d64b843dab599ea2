using System.CommandLine;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Definitions;

namespace AstStream.Worker.Commands;

/// <summary>The flags for another window than the checkpoint's.</summary>
internal sealed class WindowFlags
{
    private readonly Option<string?> _window = new(
        "--window")
    { Description = "Another window than the checkpoint's, such as 2.56s: a multiple of 10ms.", HelpName = "TIME" };
    private readonly Option<int?> _frequencyStride = new(
        "--frequency-stride")
    { Description = "Mel bins between neighbouring patches.", HelpName = "N" };
    private readonly Option<int?> _timeStride = new(
        "--time-stride")
    { Description = "Frames between neighbouring patches.", HelpName = "N" };

    public WindowFlags()
    {
        ExecutionFlags.Validate(_frequencyStride, 1, 256);
        ExecutionFlags.Validate(_timeStride, 1, 1024);
        _window.Validators.Add(r =>
        {
            foreach (var token in r.Tokens.Where(t => Frames(t.Value) is null))
                r.AddError($"--window: found '{token.Value}'; expected a multiple of 10ms up to 10m, such as 2.56s or 5120ms");
        });
    }

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_window, _frequencyStride, _timeStride])
            command.Add(option);
    }

    /// <summary>The configuration with the window that was asked for.</summary>
    public AstConfig Read(ParseResult result, AstConfig config) =>
        config.WithWindow(
            result.GetValue(_window) is { } window ? Frames(window) : null, result.GetValue(_frequencyStride),
            result.GetValue(_timeStride));

    private static int? Frames(string text) =>
        Keys.ParseDuration(text) is { } duration && duration > TimeSpan.Zero && duration <= TimeSpan.FromMinutes(10)
            ? FbankOptions.WholeFrames(duration) : null;
}
