using AstStream.Model.Training;

namespace AstStream.Learning.Training;

/// <summary>
/// Fills in what the base says of windows: kept labels' scores, and where its localiser hears them, which counts as much as the base hears
/// them at all. Of sound that has no labels it says what it knows of the learnt ones, too. For one caller at a time.
/// </summary>
internal sealed class Lesson
{
    private readonly FineTuneData _data;
    private readonly Teacher _teacher;
    private readonly ColumnTargets? _columns;
    private readonly float _each;
    private readonly int[] _ofBase; // the base's label of each label; -1 where it has none

    /// <summary>Prepares lessons.</summary>
    /// <param name="data">What is learnt.</param>
    /// <param name="teacher">The base.</param>
    /// <param name="columns">What the localiser is to say, where one is trained.</param>
    /// <param name="each">What a label counts beside one that is learnt.</param>
    public Lesson(FineTuneData data, Teacher teacher, ColumnTargets? columns, double each)
    {
        (_data, _teacher, _columns, _each) = (data, teacher, columns, (float)each);
        _ofBase = teacher.IndicesOf(data.Config.Labels);
    }

    private int Labels => _ofBase.Length;

    /// <summary>Fills a batch's rows; the learnt labels of those that have clips are theirs.</summary>
    /// <param name="batch">The batch; its inputs are filled.</param>
    /// <param name="rows">Rows of it that are used.</param>
    /// <param name="replayedFrom">The first of them that has no clip.</param>
    /// <param name="weight">What a row counts.</param>
    public void Fill(TrainingBatch batch, int rows, int replayedFrom, float weight) =>
        _teacher.Ask(batch.Inputs, rows, (row, scores, columns) =>
    {
        var each = _each * weight / (Labels - _data.Kept);
        for (var c = 0; c < (row < replayedFrom ? _data.Kept : Labels); c++)
        {
            var known = _ofBase[c] >= 0;
            batch.Targets[(row * Labels) + c] = known ? scores[_ofBase[c]] : 0;
            batch.Weights[(row * Labels) + c] = known ? each : 0;
        }

        if (_columns is not null && _data.KeptGroups.Count > 0)
            FillColumns(batch, row, weight, scores, columns);
    });

    private void FillColumns(TrainingBatch batch, int row, float weight, float[] scores, float[] columns)
    {
        const float least = 0.1f; // of a score: what is hardly there sounds nowhere
        var groups = _teacher.Config.Localiser!.Groups;
        foreach (var (group, ofBase) in _data.KeptGroups.Index())
        {
            var there = groups[ofBase].Max(label => scores[label]);
            for (var column = 0; column < _columns!.Columns; column++)
            {
                var at = (((row * _columns.Columns) + column) * _columns.Groups) + group;
                batch.ColumnTargets[at] = columns[(column * groups.Count) + ofBase];
                batch.ColumnWeights[at] = there < least ? 0 : _each * there * weight / _columns.Columns;
            }
        }
    }
}
