using System.Globalization;

namespace AstStream.Connectors.Files;

/// <summary>Says now and then how many of many files are done, and how long the rest may take.</summary>
/// <param name="say">Takes a sentence.</param>
/// <param name="time">The clock.</param>
internal sealed class FileProgress(Action<string> say, TimeProvider time)
{
    private const int Least = 20; // files that are worth a word

    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(30);

    private int _files;
    private long _bytes;
    private int _doneFiles;
    private long _doneBytes;
    private long _begin;
    private long _said;

    /// <summary>Begins with so many files of so many bytes.</summary>
    public void Begin(int files, long bytes)
    {
        (_files, _bytes, _doneFiles, _doneBytes) = (files, bytes, 0, 0);
        _begin = _said = time.GetTimestamp();
        if (files >= Least)
            say(string.Create(CultureInfo.InvariantCulture, $"{files} files, {bytes / 1e9:0.0} GB"));
    }

    /// <summary>One is done.</summary>
    public void Step(long bytes)
    {
        (_doneFiles, _doneBytes) = (_doneFiles + 1, _doneBytes + bytes);
        if (_files < Least || (_doneFiles < _files && time.GetElapsedTime(_said) < s_between))
            return;
        _said = time.GetTimestamp();
        var took = time.GetElapsedTime(_begin);
        var left = _doneBytes == 0 ? TimeSpan.Zero : took * ((double)(_bytes - _doneBytes) / _doneBytes);
        say(_doneFiles == _files
            ? string.Create(CultureInfo.InvariantCulture, $"{_files} of {_files} files are read")
            : string.Create(CultureInfo.InvariantCulture, $"{_doneFiles} of {_files} files are read, about {Shown(left)} are left"));
    }

    private static string Shown(TimeSpan time) => time switch
    {
        { TotalSeconds: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        { TotalMinutes: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.0} h"),
    };
}
